// SPDX-License-Identifier: Apache-2.0
import type * as storageModule from "../../src/storage/index.ts";
import { type Chance, type RaftStorage, SimulatedDirectory } from "../../src/storage/index.ts";
import { difference, initialModel, initialSnapshot, type Model, type Op, planOp } from "./model.ts";

/** What is under test: the storage of this package, or a mutant of it. */
export type StorageModule = Pick<typeof storageModule, "formatStorage" | "openStorage">;

/** Something that the storage must never do. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export type Outcome = "done" | "crashed" | "failed";

export const SEGMENT_BYTES = 4096;

/** A small seeded generator (mulberry32). */
export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * One node's disk over several starts, beside a model of what it must hold. After each start the storage must hold what
 * was acknowledged, and at most the one batch beyond it that was under way.
 */
export class Life {
  readonly disk: SimulatedDirectory;
  readonly notes: string[] = [];
  readonly #module: StorageModule;
  readonly random: (count: number) => Uint8Array;
  storage: RaftStorage | undefined;
  acknowledged: Model = initialModel;
  pending: Model | undefined;
  /** The number of the batch that was acknowledged last. */
  acknowledgedBatch = 0;
  #boots = 0;

  constructor(module: StorageModule, chance: Chance) {
    this.#module = module;
    this.disk = new SimulatedDirectory({ chance });
    this.random = (count) => Uint8Array.from({ length: count }, () => Math.floor(chance() * 256));
    module.formatStorage(this.disk, {
      clusterId: "test",
      nodeId: 1,
      initialSnapshot,
      segmentBytes: SEGMENT_BYTES,
      random: this.random,
    });
  }

  /** Starts the process; an outcome other than "done" is one that the plan of the disk asked for. */
  start(): Outcome {
    let storage: RaftStorage;
    try {
      storage = this.#module.openStorage(this.disk, {
        lock: "none",
        segmentBytes: SEGMENT_BYTES,
        random: this.random,
        log: (line) => this.notes.push(line),
      });
    } catch (error) {
      return this.#outcome(error, "opening");
    }
    this.storage = storage;
    const candidates = [this.pending, this.acknowledged].filter((model) => model !== undefined);
    const found = candidates.find((model) => difference(storage, model) === undefined);
    if (found === undefined) {
      throw new Violation(`acknowledged state is gone: ${difference(storage, this.acknowledged)}`);
    }
    if (storage.bootCount <= this.#boots) {
      throw new Violation(`boot count ${storage.bootCount} after ${this.#boots}`);
    }
    this.#boots = storage.bootCount;
    this.acknowledgedBatch = storage.durableBatch;
    const { commit } = storage.initialState().hardState;
    this.acknowledged = { ...found, hardState: { ...found.hardState, commit }, durableCommit: commit };
    this.pending = undefined;
    return "done";
  }

  run(op: Op): Outcome {
    const { storage } = this;
    if (storage === undefined) throw new Error("start it first");
    const { next, act } = planOp(op, this.acknowledged);
    this.pending = next;
    try {
      act(storage);
    } catch (error) {
      return this.#outcome(error, JSON.stringify(op));
    }
    this.acknowledged = next;
    this.acknowledgedBatch = storage.durableBatch;
    this.pending = undefined;
    const problem = difference(storage, next);
    if (problem !== undefined) throw new Violation(`the running storage holds ${problem}`);
    return "done";
  }

  #outcome(error: unknown, doing: string): Outcome {
    if (this.disk.down) return "crashed";
    if (error instanceof Error && "code" in error && error.code === "io") return "failed";
    throw new Violation(`${doing} was refused: ${error instanceof Error ? error.message : String(error)}`);
  }
}
