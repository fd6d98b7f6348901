// SPDX-License-Identifier: Apache-2.0
import { randomInt } from "node:crypto";
import { parseSeqKey, type SeqKey } from "@tsoracle/core";

/**
 * How far a member has come in the life that it is in:
 *
 * - `empty`: it was never written to, or has lost what it held. It has no vote.
 * - `begun`: all members were empty together when this was written, or another was `begun` still. There is no ballot yet.
 * - `admitted`: it has a vote. Either no ballot was ever minted when this was written, or a leader had filled it before.
 */
export type Stage = "empty" | "begun" | "admitted";

/** What a member showed, in one life. */
export interface MemberReading {
  /** The number of the life; zero if it has none yet. */
  readonly life: bigint;
  readonly stage: Stage;
  /** The largest ballot that anybody has written there; zero if none was. */
  readonly ballot: bigint;
  readonly highWater: number;
}

/**
 * The counter that tells one life of a store from the next. Whoever first leads the member raises it from zero by a
 * random number, and the other keys carry that number: what was meant for one life goes unread in every other, however
 * late it lands, and under whatever member epoch.
 */
export const LIFE_KEY: SeqKey = key("tsoracle.quorum.life");

/** The counter in which a member keeps its stage. */
export function stageKey(life: bigint): SeqKey {
  return key(`tsoracle.quorum.stage.${life}`);
}

/** The counter in which a member keeps the largest ballot that was written to it. */
export function ballotKey(life: bigint): SeqKey {
  return key(`tsoracle.quorum.ballot.${life}`);
}

/** By how much a stage is raised: an advance may be carried out twice, so that one must not look like the next. */
export const STAGE_STEPS: { readonly begun: number; readonly admitted: number } = Object.freeze({
  begun: 1,
  admitted: 2 ** 16,
});

export function stageOf(counter: bigint): Stage {
  if (counter === 0n) return "empty";
  return counter < BigInt(STAGE_STEPS.admitted) ? "begun" : "admitted";
}

/** A number for a new life. */
export function drawLife(): number {
  return randomInt(1, 2 ** 31);
}

function key(text: string): SeqKey {
  const parsed = parseSeqKey(text);
  if (!parsed.ok) throw new TypeError(`not a sequence key: ${text}`);
  return parsed.key;
}
