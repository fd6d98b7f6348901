// SPDX-License-Identifier: Apache-2.0
import type { SessionCall } from "./call.ts";
import { readEntry } from "./entry.ts";
import type { FinalSession } from "./final-session.ts";
import type { SessionViolation, SessionViolationKind } from "./session-violation.ts";

type ReadSession = Extract<FinalSession, { readonly kind: "read" }>;

/** What the journal of one session holds, against what its writers were told. */
export function judgeEntries(final: FinalSession, calls: readonly SessionCall[]): SessionViolation[] {
  const { session } = final;
  const found: SessionViolation[] = [];
  const tell = (kind: SessionViolationKind, message: string, ...proof: readonly (SessionCall | undefined)[]): void => {
    found.push({ kind, session, message, calls: proof.filter((call) => call !== undefined) });
  };
  if (final.kind === "unreadable") {
    tell("unreadable", final.reason);
    return found;
  }
  const appends = new Map(calls.flatMap((call) => (call.entry === undefined ? [] : [[call.entry.id, call] as const])));
  judgeContents(final, appends, tell);
  judgeAcknowledged(final, appends, tell);
  judgeRecords(final, tell);
  return found;
}

type Tell = (kind: SessionViolationKind, message: string, ...proof: readonly (SessionCall | undefined)[]) => void;
type Appends = ReadonlyMap<string, SessionCall>;

/** Everything that is there was written by one append, at its place, and by owners in their order. */
function judgeContents({ entries }: ReadSession, appends: Appends, tell: Tell): void {
  const places = new Map<string, number>();
  let newest: { readonly epoch: bigint; readonly call: SessionCall | undefined } | undefined;
  for (const [index, text] of entries.entries()) {
    const place = index + 1;
    const entry = readEntry(text);
    const call = entry === undefined ? undefined : appends.get(entry.id);
    if (entry === undefined || call === undefined) {
      tell("foreign", `entry ${place} is ${JSON.stringify(text)}, which no worker wrote`);
      continue;
    }
    const before = places.get(entry.id);
    if (before !== undefined) tell("repeated", `entry ${entry.id} is there as number ${before} and as ${place}`, call);
    places.set(entry.id, place);
    if (call.entry?.text !== text) {
      tell(
        "changed",
        `entry ${place} is ${JSON.stringify(text)}, written was ${JSON.stringify(call.entry?.text)}`,
        call,
      );
    }
    if (entry.number !== place) {
      tell(
        "gap",
        `entry ${entry.id} was written as number ${entry.number} of the session and is number ${place}`,
        call,
      );
    }
    if (call.outcome.kind === "refused") {
      tell(
        "refused_but_written",
        `entry ${entry.id} was refused as ${call.outcome.code}, and is number ${place}`,
        call,
      );
    }
    if (newest !== undefined && entry.epoch < newest.epoch) {
      const message = `entry ${place} of epoch ${entry.epoch} stands after one of epoch ${newest.epoch}`;
      tell("epoch_order", message, newest.call, call);
    } else {
      newest = { epoch: entry.epoch, call };
    }
  }
}

/** Everything that was acknowledged is there, under the number that was told. */
function judgeAcknowledged({ entries, tail }: ReadSession, appends: Appends, tell: Tell): void {
  const places = new Map(entries.map((text, index) => [readEntry(text)?.id, index]));
  const numbers = new Map(tail.map(({ seq, text }) => [readEntry(text)?.id, seq]));
  const acknowledged: { readonly call: SessionCall; readonly seq: number; readonly place: number }[] = [];
  for (const [id, call] of appends) {
    if (call.outcome.kind !== "appended") continue;
    const { seq } = call.outcome;
    const place = places.get(id);
    if (place === undefined) {
      tell("lost", `entry ${id} was acknowledged with number ${seq} and is not in the journal`, call);
      continue;
    }
    const stored = numbers.get(id);
    if (stored !== undefined && stored !== seq) {
      tell("changed", `entry ${id} was acknowledged with number ${seq} and has number ${stored}`, call);
    }
    acknowledged.push({ call, seq, place });
  }
  acknowledged.sort((a, b) => a.place - b.place);
  for (const [index, { call, seq }] of acknowledged.entries()) {
    const before = acknowledged[index - 1];
    if (before === undefined || before.seq < seq) continue;
    tell(
      "gap",
      `number ${seq} was acknowledged for an entry that stands after number ${before.seq}`,
      before.call,
      call,
    );
  }
}

/** What the store says of its own records. */
function judgeRecords({ records, snapshotSeq, nextSeq }: ReadSession, tell: Tell): void {
  const expected = nextSeq - 1 - snapshotSeq;
  const isWhole = records.length === expected && records.every(({ seq }, index) => seq === snapshotSeq + 1 + index);
  if (!isWhole) {
    const numbers = records.map(({ seq }) => seq).join(", ");
    tell("gap", `after snapshot ${snapshotSeq} and before number ${nextSeq} the journal holds ${numbers || "nothing"}`);
  }
  for (const [index, { epoch, seq }] of records.entries()) {
    const before = records[index - 1];
    if (before === undefined || before.epoch <= epoch) continue;
    tell("epoch_order", `record ${seq} has epoch ${epoch}, and the one before it ${before.epoch}`);
  }
}
