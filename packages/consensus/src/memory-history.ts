// SPDX-License-Identifier: Apache-2.0
import {
  DenseTable,
  EPOCH_ZERO,
  type Epoch,
  type LeaseRecord,
  PHYSICAL_MS_ZERO,
  type PhysicalMs,
  type SeqEntry,
  type SeqKey,
  epoch as toEpoch,
} from "@tsoracle/core";
import { ConsensusError } from "./consensus-error.ts";

/**
 * What a memory store keeps. Each method is one atomic step, because none awaits: the epoch is
 * checked in the same step as the write.
 */
export class MemoryHistory {
  readonly #dense: DenseTable;
  #highWater: PhysicalMs = PHYSICAL_MS_ZERO;
  #leases: readonly LeaseRecord[] = [];
  #epoch: Epoch = EPOCH_ZERO;
  #leader: number | undefined;

  constructor(seqKeyCap: number) {
    this.#dense = new DenseTable([], seqKeyCap);
  }

  get highWater(): PhysicalMs {
    return this.#highWater;
  }

  /** The newest epoch that was ever installed. */
  get epoch(): Epoch {
    return this.#epoch;
  }

  get leader(): number | undefined {
    return this.#leader;
  }

  /** Begins a reign: from here on every older epoch is refused. */
  install(node: number): Epoch {
    this.#epoch = toEpoch(this.#epoch + 1n);
    this.#leader = node;
    return this.#epoch;
  }

  /** Ends the reign of `node`, if it is the one that reigns. Its epoch stays the newest. */
  vacate(node: number): boolean {
    if (this.#leader !== node) return false;
    this.#leader = undefined;
    return true;
  }

  reigns(node: number, epoch: Epoch): boolean {
    return this.#leader === node && this.#epoch === epoch;
  }

  advance(node: number, atLeast: PhysicalMs, epoch: Epoch): PhysicalMs {
    this.#requireReign(node, epoch);
    if (atLeast > this.#highWater) this.#highWater = atLeast;
    return this.#highWater;
  }

  sequence(key: SeqKey): bigint {
    return this.#dense.next(key);
  }

  advanceSequences(node: number, entries: readonly SeqEntry[], epoch: Epoch): readonly bigint[] {
    this.#requireReign(node, epoch);
    const plan = this.#dense.prepare(entries);
    if (plan.ok) {
      this.#dense.commit(plan.updates);
      return plan.starts;
    }
    if (plan.reason === "overflow") {
      throw new ConsensusError(
        "seq_overflow",
        `sequence ${JSON.stringify(plan.key)} would pass 2^64-1; use another key`,
      );
    }
    throw new ConsensusError(
      "seq_cardinality_exceeded",
      `the store holds at most ${plan.cap} sequence keys and is full; use existing keys or a store with a larger cap`,
    );
  }

  /** Puts a counter where it could be after very many advances. */
  setSequence(key: SeqKey, next: bigint): void {
    this.#dense.commit(new Map([[key, next]]));
  }

  leases(): readonly LeaseRecord[] {
    return this.#leases;
  }

  replaceLeases(node: number, live: readonly LeaseRecord[], epoch: Epoch): void {
    this.#requireReign(node, epoch);
    this.#leases = live
      // A Buffer's own slice() would share its memory with the caller.
      .map((record) => ({ ...record, holder: Uint8Array.from(record.holder) }))
      .sort((a, b) => (a.leaseId < b.leaseId ? -1 : a.leaseId > b.leaseId ? 1 : 0));
  }

  #requireReign(node: number, epoch: Epoch): void {
    if (this.reigns(node, epoch)) return;
    const currentEpoch = this.#epoch;
    if (epoch < currentEpoch) {
      throw new ConsensusError("fenced", `epoch ${epoch} was superseded by ${currentEpoch}`, { currentEpoch });
    }
    throw new ConsensusError("not_leader", `node ${node} does not reign in epoch ${epoch}`, { currentEpoch });
  }
}
