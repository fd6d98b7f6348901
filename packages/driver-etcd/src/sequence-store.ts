// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, ConsensusError, type DenseSequences } from "@tsoracle/consensus";
import { type Epoch, parseSeqKey, type SeqEntry, type SeqKey, U64_MAX } from "@tsoracle/core";
import { invalid } from "./invalid.ts";
import { be64, readBe64 } from "./records.ts";
import type { StoreAccess } from "./store-access.ts";
import { put, unmodified } from "./transactions.ts";
import type { KeyValue, RequestOp } from "./wire/messages.ts";

/** etcd takes 128 operations in one transaction, and counts a transaction within it for its own. */
const OPS_PER_TXN = 60;
const MAX_KEYS = 1_024;

/** What an advance goes by. */
interface Counters {
  /** Of the key that every advance touches. */
  readonly version: bigint;
  /** How many sequence keys there are. */
  readonly count: bigint;
  readonly next: ReadonlyMap<SeqKey, bigint | undefined>;
}

/**
 * Dense sequences, one key each: read, then put under the fence and only if no other advance came in between, which the
 * revision of `P seqs` shows. One advance at a time, so only an earlier one with an unknown outcome can come in between;
 * the comparison then fails, nothing was written, and the counters are read again.
 */
export class EtcdSequences implements DenseSequences {
  readonly #access: StoreAccess;
  #last: Promise<unknown> = Promise.resolve();

  constructor(access: StoreAccess) {
    this.#access = access;
  }

  load(key: SeqKey, options?: CallOptions): Promise<bigint> {
    return this.#access.call(options, false, async () => {
      const [found] = await this.#access.read([this.#access.config.keys.sequence(key)]);
      return found === undefined ? 0n : readBe64(found.value, `sequence ${JSON.stringify(key)}`);
    });
  }

  advance(entries: readonly SeqEntry[], epoch: Epoch, options?: CallOptions): Promise<readonly bigint[]> {
    return this.#access.call(options, true, async () => {
      const checked = checkEntries(entries);
      this.#access.leading(epoch);
      if (checked.length === 0) return [];
      return await this.#inTurn(() => this.#advance(checked, epoch));
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #advance(entries: readonly SeqEntry[], epoch: Epoch): Promise<readonly bigint[]> {
    const { config, fenced } = this.#access;
    const totals = totalsOf(entries);
    for (;;) {
      const candidacy = this.#access.leading(epoch);
      const counters = await this.#read([...totals.keys()]);
      const writes = this.#writes(totals, counters);
      // A put that etcd answers is done, one that it refuses is not, and one without an answer is never sent again.
      if (await fenced.write(candidacy, [unmodified(config.keys.sequences, counters.version)], writes)) {
        return startsOf(entries, counters.next);
      }
    }
  }

  async #read(keys: readonly SeqKey[]): Promise<Counters> {
    const { config, read } = { config: this.#access.config, read: this.#access.read.bind(this.#access) };
    const next = new Map<SeqKey, bigint | undefined>();
    let touched: KeyValue | undefined;
    for (let from = 0; from < keys.length; from += OPS_PER_TXN) {
      const some = keys.slice(from, from + OPS_PER_TXN);
      const [first, ...found] = await read([config.keys.sequences, ...some.map((key) => config.keys.sequence(key))]);
      // The first of several reads counts: whatever came after it makes the put fail.
      if (from === 0) touched = first;
      for (const [index, key] of some.entries()) {
        const value = found[index]?.value;
        next.set(key, value === undefined ? undefined : readBe64(value, `sequence ${JSON.stringify(key)}`));
      }
    }
    return {
      version: touched?.modRevision ?? 0n,
      count: touched === undefined ? 0n : readBe64(touched.value, "the number of sequences"),
      next,
    };
  }

  /** @throws ConsensusError `seq_cardinality_exceeded`, `seq_overflow`; nothing was written */
  #writes(totals: ReadonlyMap<SeqKey, bigint>, { count, next }: Counters): readonly RequestOp[] {
    const { keys, seqKeyCap } = this.#access.config;
    const puts = [...totals].map(([key, total]) => {
      const after = (next.get(key) ?? 0n) + total;
      if (after > U64_MAX) {
        throw new ConsensusError(
          "seq_overflow",
          `sequence ${JSON.stringify(key)} would pass 2^64-1; nothing was written`,
        );
      }
      return put(keys.sequence(key), be64(after));
    });
    const added = [...next.values()].filter((value) => value === undefined).length;
    if (added > 0 && count + BigInt(added) > BigInt(seqKeyCap)) {
      throw new ConsensusError(
        "seq_cardinality_exceeded",
        `this oracle holds at most ${seqKeyCap} sequence keys, and has ${count}; nothing was written`,
      );
    }
    return [put(keys.sequences, be64(count + BigInt(added))), ...packed(puts)];
  }
}

/** Transactions within the transaction, each small enough; all are carried out or none. */
function packed(puts: readonly RequestOp[]): readonly RequestOp[] {
  if (puts.length <= OPS_PER_TXN) return puts;
  const parts: RequestOp[] = [];
  for (let from = 0; from < puts.length; from += OPS_PER_TXN) {
    parts.push({ txn: { compare: [], success: puts.slice(from, from + OPS_PER_TXN), failure: [] } });
  }
  return parts;
}

/** Copies what the caller might change while the call waits. Limits of requests are the server's. @throws ConsensusError */
function checkEntries(entries: readonly SeqEntry[]): readonly SeqEntry[] {
  if (entries.length > MAX_KEYS)
    throw invalid(`expected at most ${MAX_KEYS} entries in one advance, got ${entries.length}`);
  return entries.map(({ key, count }) => {
    const parsed = parseSeqKey(key);
    if (!parsed.ok) throw invalid(`expected a sequence key of 1 to 128 bytes of UTF-8, got ${JSON.stringify(key)}`);
    if (!Number.isSafeInteger(count) || count < 1) {
      throw invalid(`expected a positive count for sequence ${JSON.stringify(key)}, got ${String(count)}`);
    }
    return { key: parsed.key, count };
  });
}

/** Per key, because one transaction must not put a key twice. */
function totalsOf(entries: readonly SeqEntry[]): ReadonlyMap<SeqKey, bigint> {
  const totals = new Map<SeqKey, bigint>();
  for (const { key, count } of entries) totals.set(key, (totals.get(key) ?? 0n) + BigInt(count));
  return totals;
}

/** The start of each entry: a key that stands twice goes on where its first block ended. */
function startsOf(entries: readonly SeqEntry[], next: Counters["next"]): readonly bigint[] {
  const at = new Map<SeqKey, bigint>();
  return entries.map(({ key, count }) => {
    const start = at.get(key) ?? next.get(key) ?? 0n;
    at.set(key, start + BigInt(count));
    return start;
  });
}
