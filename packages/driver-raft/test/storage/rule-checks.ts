// SPDX-License-Identifier: Apache-2.0
import type { Entry } from "../../src/raft/types.ts";
import { SimulatedDirectory, type StorageBatch } from "../../src/storage/index.ts";
import { Life, SEGMENT_BYTES, type StorageModule, seeded, Violation } from "./life.ts";
import { confState } from "./model.ts";

/** Batches that no right caller asks for, over a log of 2..4@1 with commit 3, term 2 and vote 2. */
export const wrongBatches: readonly (readonly [what: string, batch: StorageBatch])[] = [
  ["a gap behind the log", { entries: [entry(6, 2)] }],
  ["a gap inside the batch", { entries: [entry(5, 2), entry(7, 2)] }],
  ["terms that go down", { entries: [entry(5, 2), entry(6, 1)] }],
  ["an overwrite of a committed entry", { entries: [entry(3, 2)] }],
  ["an overwrite of the first entry", { entries: [entry(1, 2)] }],
  ["a term that goes down", { hardState: { term: 1, vote: 2, commit: 3 } }],
  ["a second vote in one term", { hardState: { term: 2, vote: 3, commit: 3 } }],
  ["a vote taken back", { hardState: { term: 2, vote: 0, commit: 3 } }],
  ["a commit index that goes down", { hardState: { term: 2, vote: 2, commit: 2 }, entries: [entry(5, 2)] }],
  ["a lazy commit index that goes down", { hardState: { term: 2, vote: 2, commit: 2 } }],
  ["a commit index beyond the log", { hardState: { term: 2, vote: 2, commit: 9 } }],
  [
    "a commit index beyond the log and its new entries",
    { hardState: { term: 2, vote: 2, commit: 9 }, entries: [entry(5, 2)] },
  ],
  ["an index that is no safe integer", { entries: [entry(2 ** 53, 2)] }],
  ["a term that is no integer", { entries: [entry(5, 2.5)] }],
  ["an entry that is too large", { entries: [{ ...entry(5, 2), data: new Uint8Array(4 * 1024 * 1024) }] }],
  ["a snapshot below the commit index", { snapshot: snapshotAt(2) }],
  ["a snapshot with a node id of 0", { snapshot: snapshotAt(9, [0]) }],
  ["entries that do not follow the snapshot", { snapshot: snapshotAt(9), entries: [entry(12, 2)] }],
];

function entry(index: number, term: number): Entry {
  return { index, term, type: "EntryNormal", data: Buffer.from("x") };
}

function snapshotAt(index: number, voters: readonly number[] = [1]): NonNullable<StorageBatch["snapshot"]> {
  return { data: Buffer.from("s"), metadata: { confState: { ...confState, voters }, index, term: 2 } };
}

/** Every wrong batch is refused, before anything is written, and the storage goes on as it was. */
export function refuseWrongBatches(module: StorageModule): void {
  for (const [what, batch] of wrongBatches) {
    const life = new Life(module, seeded(11));
    life.start();
    life.run({ kind: "append", count: 3, size: 10 });
    life.run({ kind: "vote" });
    life.run({ kind: "commit", by: 2 });
    const { operations } = life.disk.counters;
    const code = codeOf(() => life.storage?.append(batch));
    if (code !== "invalid_batch") throw new Violation(`${what} was answered with ${code}`);
    if (life.disk.counters.operations !== operations) throw new Violation(`${what} was written`);
    if (life.run({ kind: "append", count: 1, size: 10 }) !== "done") throw new Violation(`${what} broke the storage`);
  }
}

/** Two processes on copies of one directory have the same boot count, and must be told apart by their incarnation (I4). */
export function tellClonesApart(module: StorageModule): void {
  const life = new Life(module, seeded(13));
  const twin = life.disk.clone();
  const [a, b] = [life.disk, twin].map((disk) =>
    module.openStorage(disk, { lock: "none", segmentBytes: SEGMENT_BYTES, random: life.random }),
  );
  if (a?.bootCount !== b?.bootCount) throw new Violation("clones have different boot counts");
  if (a?.identity.storageId !== b?.identity.storageId) throw new Violation("clones have different storage ids");
  if (a?.incarnation === b?.incarnation) throw new Violation("clones have the same incarnation");
}

/** A disk that was lost, or never formatted, or not to the end, is never started (I1). */
export function refuseEmptyDisks(module: StorageModule): void {
  const empty = new SimulatedDirectory({ chance: seeded(1) });
  const wiped = new Life(module, seeded(1));
  wiped.disk.wipe();
  for (const disk of [empty, wiped.disk]) {
    const code = codeOf(() => module.openStorage(disk, { lock: "none" }));
    if (code !== "not_formatted") throw new Violation(`an empty directory was answered with ${code}`);
    if (disk.list().length > 0) throw new Violation("an empty directory is empty no more");
  }
}

export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  return "no error";
}
