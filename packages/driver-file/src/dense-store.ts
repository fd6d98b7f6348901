// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { type DenseAdvance, DenseTable, type SeqEntry, type SeqKey } from "@tsoracle/core";
import { type DenseEntry, type DenseRecord, encodeDense } from "./dense-record.ts";
import { type PendingCall, PendingCalls, type WaitOptions } from "./pending-calls.ts";
import type { RecordStore, WriteBatch } from "./record-store.ts";

type AdvanceCall = PendingCall<readonly SeqEntry[], readonly bigint[]>;
type Grant = { readonly call: AdvanceCall; readonly starts: readonly bigint[] };

/** The dense counters: what is durable, and who waits for a block. */
export class DenseStore implements RecordStore {
  readonly file = "dense";
  readonly #pending = new PendingCalls<readonly SeqEntry[], readonly bigint[]>();
  #record: DenseRecord;
  /** What is durable, for readers. */
  readonly #durable: DenseTable;
  /** What is durable and what the write under way adds; equal to the other while none is. */
  #planned: DenseTable;

  constructor(record: DenseRecord) {
    this.#record = record;
    this.#durable = tableOf(record);
    this.#planned = tableOf(record);
  }

  /** Never ahead of the medium. */
  next(key: SeqKey): bigint {
    return this.#durable.next(key);
  }

  advance(entries: readonly SeqEntry[], options: WaitOptions): Promise<readonly bigint[]> {
    return this.#pending.submit(entries, options);
  }

  /** Calls that wait together share one write. Each is all or nothing by itself: a refused one leaves no trace. */
  take(): WriteBatch | undefined {
    const granted: Grant[] = [];
    const changed = new Map<SeqKey, bigint>();
    for (const call of this.#pending.take()) {
      const plan = this.#planned.prepare(call.ask);
      if (!plan.ok) {
        call.reject(refusalOf(plan));
        continue;
      }
      this.#planned.commit(plan.updates);
      for (const [key, next] of plan.updates) changed.set(key, next);
      granted.push({ call, starts: plan.starts });
    }
    if (granted.length === 0) return undefined;
    const record = withUpdates(this.#record, changed);
    return {
      bytes: encodeDense(record),
      committed: () => {
        this.#record = record;
        this.#durable.commit(changed);
        for (const { call, starts } of granted) call.resolve(starts);
      },
      failed: (error) => {
        this.#planned = tableOf(this.#record);
        for (const { call } of granted) call.reject(error);
      },
    };
  }

  rejectAll(error: unknown): void {
    this.#pending.rejectAll(error);
  }
}

function tableOf(record: DenseRecord): DenseTable {
  const entries = record.entries.map(({ key, next }) => [key, next] as const);
  return new DenseTable(entries, Number(record.cap));
}

/** Known keys in place, new ones sorted in by their bytes. */
function withUpdates(record: DenseRecord, updates: ReadonlyMap<SeqKey, bigint>): DenseRecord {
  const added = new Map(updates);
  const entries: DenseEntry[] = record.entries.map((entry) => {
    const next = updates.get(entry.key);
    if (next === undefined) return entry;
    added.delete(entry.key);
    return { ...entry, next };
  });
  if (added.size > 0) {
    for (const [key, next] of added) entries.push({ key, keyBytes: Buffer.from(key, "utf8"), next });
    entries.sort((a, b) => Buffer.compare(a.keyBytes, b.keyBytes));
  }
  return { cap: record.cap, entries };
}

function refusalOf(plan: DenseAdvance & { readonly ok: false }): ConsensusError {
  switch (plan.reason) {
    case "cardinality_exceeded":
      return new ConsensusError(
        "seq_cardinality_exceeded",
        `this state directory holds at most ${plan.cap} sequence keys; nothing was written`,
      );
    case "overflow":
      return new ConsensusError("seq_overflow", `sequence "${plan.key}" would pass 2^64-1; nothing was written`);
    default:
      return plan satisfies never;
  }
}
