// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, DenseSequences, LeaseStore } from "@tsoracle/consensus";
import type { PhysicalMs, SeqKey } from "@tsoracle/core";
import type { ClauseId, Subject } from "../../src/index.ts";
import { type MemoryUniverse, type MemoryVariant, memorySubject } from "../memory-subject.ts";

/** A driver that is wrong in one known way. */
export interface Mutant {
  readonly name: string;
  /** The mistake, as somebody could make it. */
  readonly mistake: string;
  /** Exactly the clauses that notice. */
  readonly breaks: readonly ClauseId[];
  readonly subject: Subject;
}

/** A memory driver with one mistake. */
export function mutant(name: string, mistake: string, breaks: readonly ClauseId[], variant: MemoryVariant): Mutant {
  return { name, mistake, breaks, subject: memorySubject({ ...variant, subject: { ...variant.subject, name } }) };
}

/** The same driver with some members replaced, or taken away by `undefined`. */
export function altered(driver: ConsensusDriver, changes: Partial<ConsensusDriver>): ConsensusDriver {
  const { name, capabilities, sequences, leases, membership } = driver;
  const resign = driver.resign?.bind(driver);
  return {
    name,
    capabilities,
    leadershipEvents: (options) => driver.leadershipEvents(options),
    loadHighWater: (options) => driver.loadHighWater(options),
    persistHighWater: (atLeast, epoch, options) => driver.persistHighWater(atLeast, epoch, options),
    sequences,
    leases,
    membership,
    ...(resign === undefined ? {} : { resign }),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
    ...changes,
  };
}

/** The same driver, whose leader items have no tenure. */
export function withoutTenure(driver: ConsensusDriver, changes: Partial<ConsensusDriver> = {}): ConsensusDriver {
  return altered(driver, {
    leadershipEvents: async function* (options) {
      for await (const item of driver.leadershipEvents(options)) {
        yield item.role === "leader" ? { role: item.role, epoch: item.epoch } : item;
      }
    },
    ...changes,
  });
}

/** A high-water that the mutant keeps in place of the store's, one per universe. */
export function ownHighWater(world: MemoryUniverse): { get(): PhysicalMs; set(value: number): void } {
  return {
    get: () => (world.memory.get("high-water") ?? 0) as PhysicalMs,
    set: (value) => void world.memory.set("high-water", value),
  };
}

/** The driver's sequences with some methods replaced. */
export function alteredSequences(
  driver: ConsensusDriver,
  change: (sequences: DenseSequences) => Partial<DenseSequences>,
): DenseSequences {
  const { sequences } = driver;
  if (sequences === undefined) throw new TypeError("the memory driver has sequences");
  return {
    load: (key, options) => sequences.load(key, options),
    advance: (entries, epoch, options) => sequences.advance(entries, epoch, options),
    ...change(sequences),
  };
}

/** By how much the counters of a universe have gone back, by the mutant's mistake. */
export function lostCounts(world: MemoryUniverse): Map<SeqKey, bigint> {
  const lost = (world.memory.get("lost") as Map<SeqKey, bigint> | undefined) ?? new Map<SeqKey, bigint>();
  world.memory.set("lost", lost);
  return lost;
}

/** The driver's sequences as they are after that loss. The store below keeps its own counters, which never go back. */
export function lossySequences(driver: ConsensusDriver, lost: ReadonlyMap<SeqKey, bigint>): DenseSequences {
  return alteredSequences(driver, (sequences) => ({
    load: async (key, options) => (await sequences.load(key, options)) - (lost.get(key) ?? 0n),
    advance: async (entries, epoch, options) => {
      const starts = await sequences.advance(entries, epoch, options);
      return starts.map((start, index) => start - (lost.get(entries[index]?.key as SeqKey) ?? 0n));
    },
  }));
}

/** The driver's lease store with some methods replaced. */
export function alteredLeases(
  driver: ConsensusDriver,
  change: (leases: LeaseStore) => Partial<LeaseStore>,
): LeaseStore {
  const { leases } = driver;
  if (leases === undefined) throw new TypeError("the memory driver has leases");
  return {
    load: (options) => leases.load(options),
    replace: (live, epoch, options) => leases.replace(live, epoch, options),
    ...change(leases),
  };
}
