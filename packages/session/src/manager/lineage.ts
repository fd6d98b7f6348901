// SPDX-License-Identifier: Apache-2.0
import { checkEpoch, checkInteger } from "../checked.ts";
import { SessionError } from "../session-error.ts";

/**
 * The numbers of one reign that a state holds, from the first that it used to the last that is in the state. With
 * snapshots alone a crash within a reign ends one segment, and what the reign writes then begins another, above every
 * number that it used before: no reign gives a number twice.
 */
export interface Segment {
  readonly epoch: bigint;
  readonly from: number;
  /** Less than `from` where nothing of it is in the state. */
  readonly through: number;
  /**
   * Whether each number after `through` went to an entry, so that their difference counts entries: with snapshots alone,
   * and as long as the store keeps what it acknowledged. One that lost snapshots lost their numbers with them.
   */
  readonly entriesOnly: boolean;
}

/** Which reigns made a state, oldest first: how far each of them is in it. */
export type Lineage = readonly Segment[];

/** Of more reigns than this a session remembers the newest. */
export const MOST_SEGMENTS = 16;

export function lineageWith(lineage: Lineage, segment: Segment): Lineage {
  return [...lineage, segment].slice(-MOST_SEGMENTS);
}

/** The lineage after a record that one entry of a journal holds. */
export function lineageAfter(
  lineage: Lineage,
  { epoch, seq }: { readonly epoch: bigint; readonly seq: number },
): Lineage {
  const last = lineage.at(-1);
  const from = last?.epoch === epoch ? last.from : seq;
  return lineageWith(last?.epoch === epoch ? lineage.slice(0, -1) : lineage, {
    epoch,
    from,
    through: seq,
    entriesOnly: false,
  });
}

/** The segment that a number belongs to, whether or not it is in the state. */
export function segmentOf(lineage: Lineage, epoch: bigint, seq: number): Segment | undefined {
  return lineage.findLast((segment) => segment.epoch === epoch && segment.from <= seq);
}

export function lineageHeader(lineage: Lineage): readonly object[] {
  return lineage.map((segment) => ({ ...segment, epoch: String(segment.epoch) }));
}

/** @throws SessionError or TypeError for anything that {@link lineageHeader} did not write. */
export function lineageOf(value: unknown): Lineage {
  if (!Array.isArray(value) || value.length > MOST_SEGMENTS) {
    throw new SessionError("number_out_of_range", `expected a list of at most ${MOST_SEGMENTS} segments`);
  }
  return value.map((segment: Readonly<Record<string, unknown>>) =>
    Object.freeze({
      epoch: checkEpoch("the epoch of a segment", BigInt(String(segment["epoch"])), 1n),
      from: checkNumber("the first number of a segment", segment["from"]),
      through: checkNumber("the last number of a segment", segment["through"]),
      entriesOnly: segment["entriesOnly"] === true,
    }),
  );
}

function checkNumber(what: string, value: unknown): number {
  return checkInteger(what, value as number, 0, Number.MAX_SAFE_INTEGER);
}
