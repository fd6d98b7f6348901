// SPDX-License-Identifier: Apache-2.0
import {
  checkJournalFence,
  checkJournalSeq,
  checkJournalTs,
  JournalError,
  type JournalFence,
  type JournalHead,
  type JournalRecord,
  type JournalSnapshot,
  type JournalState,
} from "@tsoracle/consensus";
import type { Row } from "./connection.ts";

/** @throws JournalError `permanent` when the row is not what was written. */
export function readHead(id: string, row: Row): JournalHead {
  return judged(id, () => {
    const snapshot = row["snapshot_seq"];
    return {
      fence: fenceOf(row),
      nextSeq: nextOf(row["next_seq"]),
      snapshotSeq: snapshot == null ? undefined : seqOf(snapshot, 0),
    };
  });
}

/** The rows of a load; undefined where there is no journal. @throws JournalError `permanent` */
export function readState(id: string, rows: readonly Row[]): JournalState | undefined {
  const head = rows.find(({ kind }) => kind === "head");
  if (head === undefined) return undefined;
  return judged(id, () => {
    const nextSeq = nextOf(head["seq"]);
    const snapshotSeq = head["ts"] == null ? undefined : seqOf(head["ts"], 0);
    const found = rows.find(({ kind }) => kind === "snapshot");
    const snapshot: JournalSnapshot | undefined =
      found === undefined
        ? undefined
        : { seq: seqOf(found["seq"], 0), ...fenceOf(found), bytes: bytesOf(found["bytes"]) };
    if (snapshot?.seq !== snapshotSeq) throw new Error(`the snapshot of ${snapshotSeq} is not there`);
    const entries = rows.filter(({ kind }) => kind === "entry").map(recordOf);
    entries.sort((left, right) => left.seq - right.seq);
    const firstSeq = head["first_seq"] == null ? nextSeq : seqOf(head["first_seq"], 1);
    checkTail(entries, (snapshotSeq ?? 0) + 1, nextSeq);
    return { fence: fenceOf(head), nextSeq, snapshotSeq, snapshot, entries, firstSeq };
  });
}

/** Every number after the snapshot must be there: a reader of a journal with holes would rebuild a state that never was. */
function checkTail(entries: readonly JournalRecord[], from: number, to: number): void {
  for (let index = 0; index < Math.max(entries.length, to - from); index += 1) {
    if (entries[index]?.seq === from + index) continue;
    throw new Error(`entry ${from + index} is expected, and there is ${entries[index]?.seq ?? "none"}`);
  }
}

function recordOf(row: Row): JournalRecord {
  return {
    seq: seqOf(row["seq"], 1),
    ...fenceOf(row),
    ts: checkJournalTs(u64(row["ts"])),
    entry: bytesOf(row["bytes"]),
  };
}

function fenceOf(row: Row): JournalFence {
  return checkJournalFence({ epoch: u64(row["epoch"]), owner: row["owner"] as string });
}

function seqOf(value: Row[string] | undefined, least: 0 | 1): number {
  return checkJournalSeq(typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN, least);
}

/** One more than the last number that there is comes next where that one is taken. */
function nextOf(value: Row[string] | undefined): number {
  const text = typeof value === "string" && /^\d{1,16}$/.test(value) ? value : "";
  return checkJournalSeq(text === "" ? Number.NaN : Number(BigInt(text) - 1n), 0) + 1;
}

function u64(value: Row[string] | undefined): bigint {
  return typeof value === "string" && /^\d{1,20}$/.test(value) ? BigInt(value) : -1n;
}

function bytesOf(value: Row[string] | undefined): Uint8Array {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  throw new Error("expected bytes");
}

function judged<T>(id: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new JournalError(
      "permanent",
      `the rows of session ${JSON.stringify(id)} are not what was written: ${error instanceof Error ? error.message : String(error)}. Restore the tables, or remove the session from all three`,
      { cause: error },
    );
  }
}
