// SPDX-License-Identifier: Apache-2.0
import type { SimulatedDirectory } from "../../src/storage/index.ts";
import { contentOf, overwrite, tryOpen, usedDisk } from "./checks.ts";
import { Life, SEGMENT_BYTES, type StorageModule, seeded, Violation } from "./life.ts";
import { difference } from "./model.ts";

const SLOT_BYTES = 4096;
const SECTOR_BYTES = 512;

/** Where the last bytes of a file are that are not zero, rounded up to sectors. */
export function usedBytes(content: Uint8Array): number {
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end -= 1;
  return Math.ceil(end / SECTOR_BYTES) * SECTOR_BYTES;
}

/** Files that hold what was answered for; the watermark, which repeats it, is judged apart. */
function answeredFiles(disk: SimulatedDirectory): readonly { readonly name: string; readonly bytes: number }[] {
  return disk
    .list()
    .filter((name) => name !== "watermark")
    .map((name) => {
      const content = contentOf(disk, name);
      return { name, bytes: name.startsWith("wal-") ? usedBytes(content) : content.length };
    });
}

/**
 * One bit flips in every `step`th byte of everything that was answered for. Segments, snapshots and identity must be
 * refused. No flip anywhere may make the node forget anything.
 *
 * @returns how many flips were refused
 */
export function flipEverywhere(module: StorageModule, step: number): number {
  const life = usedDisk(module);
  const disk = life.disk.clone();
  let refused = 0;
  for (const { name, bytes } of answeredFiles(disk)) {
    for (let offset = 0; offset < bytes; offset += step) {
      const attempt = tryOpen(life, module, (copy) => copy.flipBit(name, offset, (offset / step) % 8));
      if (attempt.kind === "opened") throw new Violation(`a flip in ${name} at byte ${offset} went unnoticed`);
      if (!["damaged", "identity_mismatch"].includes(attempt.code)) throw new Violation(attempt.message);
      refused += 1;
    }
  }
  for (let offset = 0; offset < 2 * SLOT_BYTES; offset += step * 4) {
    const attempt = tryOpen(life, module, (copy) => copy.flipBit("watermark", offset, (offset / step) % 8));
    if (attempt.kind !== "opened") throw new Violation(`one bad slot kept the node from starting: ${attempt.message}`);
    expectWhole(life, attempt.storage, `a flip in the watermark at byte ${offset}`);
  }
  return refused;
}

/** Flips behind the last batch: never answered, so they are cut off, and for good. */
export function flipBehindTheLog(module: StorageModule, step: number): void {
  const life = usedDisk(module);
  const disk = life.disk.clone();
  const last = disk
    .list()
    .filter((name) => name.startsWith("wal-"))
    .at(-1) as string;
  for (let offset = usedBytes(contentOf(disk, last)); offset < SEGMENT_BYTES; offset += step) {
    const attempt = tryOpen(life, module, (copy) => copy.flipBit(last, offset, offset % 8));
    if (attempt.kind !== "opened") throw new Violation(`a flip behind the log was refused: ${attempt.message}`);
    expectWhole(life, attempt.storage, `a flip behind the log at byte ${offset}`);
    if (!attempt.notes.some((note) => note.includes("never answered"))) throw new Violation("the cut was not logged");
    attempt.disk.losePowerExactly(0, () => false);
    expectBlankTail(attempt.disk, last);
  }
}

/** A whole batch that was never marked, with a bit flipped in any of its bytes: it is dropped, and nothing else. */
export function flipUnanswered(module: StorageModule): void {
  const life = new Life(module, seeded(19));
  life.start();
  life.run({ kind: "append", count: 2, size: 30 });
  const segment = "wal-00000000000001";
  const start = usedBytes(contentOf(life.disk, segment));
  life.disk.plan = ({ kind, file }) =>
    kind === "pwrite" && file === "watermark" ? { kind: "crash_before" } : undefined;
  life.run({ kind: "append", count: 1, size: 120 });
  life.disk.plan = undefined;
  life.disk.endProcess();
  const end = usedBytes(contentOf(life.disk, segment));
  if (end <= start) throw new Error("expected a batch behind the watermark");
  for (let offset = start; offset < end; offset += 1) {
    const attempt = tryOpen(life, module, (copy) => copy.flipBit(segment, offset, offset % 8));
    if (attempt.kind !== "opened") throw new Violation(`refused for what was never answered: ${attempt.message}`);
    expectWhole(life, attempt.storage, `a flip at byte ${offset} behind the watermark`);
    if (!attempt.notes.some((note) => note.includes("never answered"))) throw new Violation("the cut was not logged");
  }
}

/** A batch whose sync never returned, torn in every possible way: cut off for good, or kept whole. */
export function tornBatch(module: StorageModule): { readonly cut: number; readonly kept: number } {
  const seen = { cut: 0, kept: 0 };
  for (let mask = 0; mask < 8; mask += 1) {
    const life = new Life(module, seeded(3));
    life.start();
    let syncs = 0;
    life.disk.plan = ({ kind, file }) => {
      syncs += kind === "fdatasync" && file.startsWith("wal-") ? 1 : 0;
      return syncs === 1 ? { kind: "crash_before" } : undefined;
    };
    life.run({ kind: "append", count: 2, size: 450 });
    life.disk.plan = undefined;
    life.disk.losePowerExactly(0, (_, sector) => (mask & (1 << sector)) !== 0);
    const before = life.notes.length;
    if (life.start() !== "done") throw new Violation("a torn batch kept the node from starting");
    const notes = life.notes.slice(before).join("\n");
    if (notes.includes("never answered")) seen.cut += 1;
    if (notes.includes("whole")) seen.kept += 1;
    life.disk.losePowerExactly(0, () => false);
    expectBlankTail(life.disk, "wal-00000000000001");
    if (life.start() !== "done") throw new Violation("the second start failed");
  }
  return seen;
}

/** Behind the batch that ends the log there must be nothing but zeros, durably. */
function expectBlankTail(disk: SimulatedDirectory, segment: string): void {
  const bytes = contentOf(disk, segment);
  let at = SECTOR_BYTES;
  // Batches begin with sectors; a sector without the magic of a record at the start of a batch ends the log.
  while (at < bytes.length && bytes[at] !== 0) at = endOfBatch(bytes, at);
  if (bytes.subarray(at).some((byte) => byte !== 0)) throw new Violation(`${segment} is not blank behind byte ${at}`);
}

/** Walks records by their lengths up to the one of type 6, which ends a batch. */
function endOfBatch(bytes: Uint8Array, start: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = start; at + 40 <= bytes.length; ) {
    const next = at + 40 + view.getUint32(at + 8, true);
    if (view.getUint8(at + 4) === 6) return Math.ceil(next / SECTOR_BYTES) * SECTOR_BYTES;
    if (next === at + 40 && view.getUint32(at, true) === 0) return bytes.length;
    at = next;
  }
  return bytes.length;
}

/** Slot k and batch k are both bad (C7): nobody can tell whether it was answered. */
export function doubleFault(module: StorageModule): void {
  const life = usedDisk(module);
  const disk = life.disk.clone();
  const last = disk
    .list()
    .filter((name) => name.startsWith("wal-"))
    .at(-1) as string;
  const newest = newestSlot(disk);
  const end = usedBytes(contentOf(disk, last));
  const attempts: readonly [string, (copy: SimulatedDirectory) => void][] = [
    [
      "the newest slot and the last batch are bad",
      (copy) => {
        copy.flipBit("watermark", newest + 20, 1);
        copy.flipBit(last, end - SECTOR_BYTES + 8, 1);
      },
    ],
    [
      "the newest slot is blank and the last batch is bad",
      (copy) => {
        overwrite(copy, "watermark", new Uint8Array(SLOT_BYTES), newest);
        copy.flipBit(last, end - SECTOR_BYTES + 8, 1);
      },
    ],
    [
      "both slots are bad",
      (copy) => {
        copy.flipBit("watermark", 20, 1);
        copy.flipBit("watermark", SLOT_BYTES + 20, 1);
      },
    ],
    ["the watermark is blank", (copy) => overwrite(copy, "watermark", new Uint8Array(2 * SLOT_BYTES))],
    ["the watermark is gone", (copy) => copy.remove("watermark")],
    ["the last segment is gone", (copy) => copy.remove(last)],
    [
      "the last batch was never there",
      (copy) => overwrite(copy, last, new Uint8Array(SECTOR_BYTES), end - SECTOR_BYTES),
    ],
  ];
  for (const [what, damage] of attempts) {
    const attempt = tryOpen(life, module, damage);
    if (attempt.kind === "opened") throw new Violation(`opened although ${what}`);
    if (attempt.code !== "damaged") throw new Violation(`${what}: ${attempt.message}`);
  }
}

function newestSlot(disk: SimulatedDirectory): number {
  const bytes = contentOf(disk, "watermark");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  // Behind magic, version and the storage id with its length.
  const at = 8 + 1 + view.getUint8(8);
  return view.getBigUint64(at, true) > view.getBigUint64(SLOT_BYTES + at, true) ? 0 : SLOT_BYTES;
}

/** A watermark of earlier, put back by a backup or a disk that lied, must not make later batches look unanswered. */
export function oldWatermark(module: StorageModule): void {
  const life = new Life(module, seeded(5));
  life.start();
  const old = contentOf(life.disk, "watermark");
  for (let count = 0; count < 3; count += 1) life.run({ kind: "append", count: 1, size: 20 });
  const attempt = tryOpen(life, module, (copy) => overwrite(copy, "watermark", old));
  if (attempt.kind === "opened") throw new Violation("opened with a watermark that is older than the log");
}

/** Two copies of one disk go different ways; a batch of the one, misplaced into the other, must be noticed. */
export function misplacedBatch(module: StorageModule): void {
  const life = new Life(module, seeded(9));
  life.start();
  life.run({ kind: "append", count: 1, size: 20 });
  const segment = "wal-00000000000001";
  // Behind the batch that counts the start: the batch with the first entry that differs.
  const at = usedBytes(contentOf(life.disk, segment)) + SECTOR_BYTES;
  const copies = ["own data ", "misplaced"].map((data) => {
    const disk = life.disk.clone();
    const storage = module.openStorage(disk, { lock: "none", segmentBytes: SEGMENT_BYTES });
    const hardState = { term: 1, vote: 0, commit: 1 };
    storage.append({ hardState, entries: [{ index: 3, term: 1, type: "EntryNormal", data: Buffer.from(data) }] });
    // Two more, because the slots of the watermark know the last two batches by themselves.
    storage.append({ hardState: { ...hardState, term: 2 } });
    storage.append({ hardState: { ...hardState, term: 3 } });
    return disk;
  });
  const [own, twin] = copies as [SimulatedDirectory, SimulatedDirectory];
  overwrite(own, segment, contentOf(twin, segment).slice(at, at + SECTOR_BYTES), at);
  try {
    module.openStorage(own, { lock: "none" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "damaged") return;
    throw error;
  }
  throw new Violation("a batch of another disk went unnoticed");
}

function expectWhole(life: Life, storage: Parameters<typeof difference>[0], what: string): void {
  const problem = difference(storage, life.acknowledged);
  if (problem !== undefined) throw new Violation(`${what}: ${problem}`);
}
