// SPDX-License-Identifier: Apache-2.0
import type { DiskOperation, SimulatedDirectory } from "../../src/storage/index.ts";
import { Life, type StorageModule, seeded, Violation } from "./life.ts";
import type { Op } from "./model.ts";

/** A bit of everything, in few enough steps that a crash can be tried at each of them. */
export const SCRIPT: readonly Op[] = [
  { kind: "append", count: 2, size: 40 },
  { kind: "vote" },
  { kind: "append", count: 3, size: 500 },
  { kind: "overwrite", back: 2, count: 2 },
  { kind: "commit", by: 3 },
  { kind: "append", count: 1, size: 700 },
  { kind: "snapshot", trailing: 1 },
  { kind: "append", count: 1, size: 900 },
  { kind: "commit", by: 2 },
  { kind: "install", ahead: 5 },
  { kind: "append", count: 2, size: 200 },
  { kind: "commit", by: 2 },
  { kind: "snapshot", trailing: 0 },
  { kind: "append", count: 1, size: 1500 },
  { kind: "append", count: 1, size: 1500 },
  { kind: "append", count: 1, size: 1500 },
  { kind: "commit", by: 1 },
  { kind: "snapshot", trailing: 0 },
  { kind: "vote" },
];

type Fault = "crash_before" | "crash_after" | "EIO" | "ENOSPC";

/** Lets the fault happen at operation `at` of the disk, counted from now. */
export function faultAt(life: Life, at: number, fault: Fault): void {
  const target = life.disk.counters.operations + at;
  life.disk.plan = ({ number }: DiskOperation) => {
    if (number !== target) return undefined;
    return fault === "EIO" || fault === "ENOSPC" ? { kind: "error", code: fault } : { kind: fault };
  };
}

/** How many operations the first start and the script take when nothing goes wrong. */
export function countOperations(module: StorageModule, script: readonly Op[]): number {
  const life = new Life(module, seeded(1));
  const before = life.disk.counters.operations;
  life.start();
  for (const op of script) life.run(op);
  return life.disk.counters.operations - before;
}

/** Runs until a fault ends the process, or the script is over. */
export function runUntilFault(life: Life, script: readonly Op[]): void {
  if (life.start() !== "done") return;
  for (const op of script) if (life.run(op) !== "done") return;
}

/** Starts again without faults, goes on for a while, and starts once more after another loss of power. */
export function recover(life: Life): void {
  life.disk.plan = undefined;
  start(life);
  life.disk.losePower();
  start(life);
  run(life, { kind: "append", count: 1, size: 10 });
  run(life, { kind: "vote" });
  life.disk.losePower();
  start(life);
}

function start(life: Life): void {
  const outcome = life.start();
  if (outcome !== "done") throw new Violation(`a start without faults ${outcome}`);
}

function run(life: Life, op: Op): void {
  const outcome = life.run(op);
  if (outcome !== "done") throw new Violation(`${op.kind} without faults ${outcome}`);
}

/**
 * Power is lost at every operation of the script, before and after it, and the unsynced sectors reach the disk in
 * `variants` ways each: none, all, and others drawn from a seed.
 */
export function crashEverywhere(module: StorageModule, variants: number, step = 1): void {
  const operations = countOperations(module, SCRIPT);
  for (let at = 1; at <= operations; at += step) {
    for (const fault of ["crash_before", "crash_after"] as const) {
      for (let variant = 0; variant < variants; variant += 1) {
        const life = new Life(module, seeded(at * 1000 + variant));
        faultAt(life, at, fault);
        runUntilFault(life, SCRIPT);
        loseIn(life, variant);
        describing(`${fault} ${at}, variant ${variant}`, () => recover(life));
      }
    }
  }
}

function loseIn(life: Life, variant: number): void {
  if (variant === 0) life.disk.losePowerExactly(0, () => false);
  else if (variant === 1) life.disk.losePowerExactly(Number.POSITIVE_INFINITY, () => true);
  else life.disk.losePower();
}

/** Power is lost while a node that crashed at `at` starts again, at every operation of that start. */
export function crashWhileOpening(module: StorageModule, step: number): void {
  const operations = countOperations(module, SCRIPT);
  for (let at = 1; at <= operations; at += step) {
    for (let inside = 1; ; inside += 1) {
      const life = new Life(module, seeded(at * 1000 + inside));
      faultAt(life, at, "crash_after");
      runUntilFault(life, SCRIPT);
      life.disk.losePower();
      faultAt(life, inside, inside % 2 === 0 ? "crash_before" : "crash_after");
      const outcome = life.start();
      if (outcome === "done") break;
      life.disk.losePower();
      describing(`crash at ${at}, then at ${inside} of the start`, () => recover(life));
    }
  }
}

/**
 * The newest slot has rotted and the batch behind it was never marked: both slots are written again when the node starts,
 * and a loss of power at any step of that must leave one of them readable (C7).
 */
export function crashWhileMending(module: StorageModule): void {
  for (let inside = 1; ; inside += 1) {
    for (let variant = 0; variant < 6; variant += 1) {
      const life = new Life(module, seeded(inside * 100 + variant));
      start(life);
      run(life, { kind: "append", count: 1, size: 30 });
      life.disk.plan = ({ kind, file }) =>
        kind === "pwrite" && file === "watermark" ? { kind: "crash_before" } : undefined;
      life.run({ kind: "vote" });
      life.disk.endProcess();
      life.disk.flipBit("watermark", life.acknowledgedBatch % 2 === 0 ? 20 : 4096 + 20, 3);
      faultAt(life, inside, "crash_after");
      const outcome = life.start();
      if (outcome === "done") return;
      life.disk.losePower();
      describing(`crash at ${inside} of the start, variant ${variant}`, () => recover(life));
    }
  }
}

/**
 * Every operation fails once. The storage must take no more calls; the next process sees the cache, which may show what
 * the disk does not have, and what it builds upon must still be there after a loss of power.
 */
export function failEverywhere(module: StorageModule, step = 1): void {
  const operations = countOperations(module, SCRIPT);
  for (let at = 1; at <= operations; at += step) {
    for (const fault of ["EIO", "ENOSPC"] as const) {
      const life = new Life(module, seeded(at));
      faultAt(life, at, fault);
      runUntilFault(life, SCRIPT);
      describing(`${fault} at ${at}`, () => {
        checkPoisoned(life);
        life.disk.plan = undefined;
        life.disk.endProcess();
        start(life);
        life.disk.losePowerExactly(0, () => false);
        recover(life);
      });
    }
  }
}

function checkPoisoned({ storage }: Life): void {
  if (storage === undefined) return;
  const calls = [
    () => storage.initialState(),
    () => storage.append({ hardState: { term: 1000, vote: 1, commit: 0 } }),
    () => storage.term(1),
    () => storage.compact(0),
  ];
  for (const call of calls) {
    try {
      call();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "poisoned") continue;
      throw new Violation(`a call after a failed write threw ${String(error)}`);
    }
    throw new Violation("a call after a failed write went through");
  }
}

/** A disk that was used, and closed in order, for damaging copies of it. */
export function usedDisk(module: StorageModule): Life {
  const life = new Life(module, seeded(7));
  start(life);
  for (const op of SCRIPT) run(life, op);
  life.storage?.close();
  return life;
}

/** Opens a damaged copy of the disk: "refused", or the life that goes on with it; anything forgotten is a violation. */
export function tryOpen(life: Life, module: StorageModule, damage: (disk: SimulatedDirectory) => void): OpenAttempt {
  const disk = life.disk.clone();
  damage(disk);
  const notes: string[] = [];
  try {
    const storage = module.openStorage(disk, { lock: "none", segmentBytes: 4096, log: (line) => notes.push(line) });
    return { kind: "opened", storage, notes, disk };
  } catch (error) {
    if (error instanceof Error && "code" in error)
      return { kind: "refused", code: String(error.code), message: error.message };
    throw error;
  }
}

export type OpenAttempt =
  | {
      readonly kind: "opened";
      readonly storage: ReturnType<StorageModule["openStorage"]>;
      readonly notes: readonly string[];
      readonly disk: SimulatedDirectory;
    }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** Whole content of a file of a simulated disk. */
export function contentOf(disk: SimulatedDirectory, name: string): Uint8Array {
  const file = disk.open(name);
  const bytes = file.read(0, file.size());
  file.close();
  return bytes;
}

export function overwrite(disk: SimulatedDirectory, name: string, bytes: Uint8Array, offset = 0): void {
  const file = disk.open(name);
  file.pwrite(bytes, offset);
  file.fdatasync();
  file.close();
}

function describing(what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof Violation) throw new Violation(`${what}: ${error.message}`);
    throw error;
  }
}
