// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { type CallOptions, ConsensusError, type DenseSequences } from "@tsoracle/consensus";
import { type Epoch, parseSeqKey, type SeqEntry, type SeqKey, U64_MAX } from "@tsoracle/core";
import { invalid } from "./invalid.ts";
import { bool, epochParameters, text } from "./rows.ts";
import type { StoreAccess } from "./store-access.ts";

/** Dense sequences, one row per key, advanced under the fence of the oracle's row (`postgres-redis.md` 3.4). */
export class PostgresSequences implements DenseSequences {
  readonly #store: StoreAccess;

  constructor(store: StoreAccess) {
    this.#store = store;
  }

  load(key: SeqKey, options?: CallOptions): Promise<bigint> {
    const { statements, identity } = this.#store.config;
    return this.#store.call(options, false, async () => {
      const session = await this.#store.ready();
      await this.#store.loadGate(session);
      if (!isStorable(key)) return 0n;
      const { rows } = await session.run(statements.denseNext, [identity.name, key], {
        what: "cannot read a sequence",
      });
      return rows[0] === undefined ? 0n : BigInt(text(rows[0], "next"));
    });
  }

  advance(entries: readonly SeqEntry[], epoch: Epoch, options?: CallOptions): Promise<readonly bigint[]> {
    return this.#store.call(options, true, async () => {
      const checked = checkEntries(entries);
      const session = this.#store.sessionOf(epoch);
      if (checked.length === 0) return [];
      const { statements, identity, seqKeyCap } = this.#store.config;
      const totals = totalsOf(checked);
      const { rows } = await session.run(
        statements.dense,
        [
          identity.name,
          ...epochParameters(epoch),
          [...totals.keys()],
          [...totals.values()].map(String),
          randomUUID(),
          String(seqKeyCap),
        ],
        { what: "cannot advance a sequence", isWrite: true },
      );
      const [first] = rows;
      if (first === undefined || !bool(first, "fenced_in")) throw await this.#store.fencedOut(session, epoch);
      if (!bool(first, "admitted")) {
        throw new ConsensusError(
          "seq_cardinality_exceeded",
          `this oracle holds at most ${seqKeyCap} sequence keys; nothing was written`,
        );
      }
      const starts = new Map(rows.map((row) => [text(row, "key"), BigInt(text(row, "start"))]));
      return inOrder(checked, starts);
    });
  }
}

/**
 * Copies what the caller might change while the call waits. Limits of requests are the server's.
 *
 * @throws ConsensusError `permanent`; `seq_cardinality_exceeded` for a key that the server cannot hold, which a client
 * may send and which therefore must not look like a fault of the store
 */
function checkEntries(entries: readonly SeqEntry[]): readonly SeqEntry[] {
  return entries.map(({ key, count }) => {
    const parsed = parseSeqKey(key);
    if (!parsed.ok) {
      throw invalid(`expected a sequence key of 1 to 128 bytes of UTF-8, got ${JSON.stringify(key)}`);
    }
    if (!isStorable(parsed.key)) {
      const message = `Postgres has no room for keys with a NUL in them, got ${JSON.stringify(key)}; nothing was written`;
      throw new ConsensusError("seq_cardinality_exceeded", message);
    }
    if (!Number.isSafeInteger(count) || count < 1) {
      throw invalid(`expected a positive count for sequence ${JSON.stringify(key)}, got ${String(count)}`);
    }
    return { key: parsed.key, count };
  });
}

/** Its text can hold every character but one. */
function isStorable(key: SeqKey): boolean {
  return !key.includes("\0");
}

/** Per key, in order of key, because one statement must not touch a row twice. @throws ConsensusError `seq_overflow` */
function totalsOf(entries: readonly SeqEntry[]): ReadonlyMap<SeqKey, bigint> {
  const totals = new Map<SeqKey, bigint>();
  for (const { key, count } of entries) totals.set(key, (totals.get(key) ?? 0n) + BigInt(count));
  for (const [key, total] of totals) {
    if (total > U64_MAX) {
      throw new ConsensusError(
        "seq_overflow",
        `sequence ${JSON.stringify(key)} would pass 2^64-1; nothing was written`,
      );
    }
  }
  return new Map([...totals].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** The start of each entry: a key that stands twice goes on where its first block ended. */
function inOrder(entries: readonly SeqEntry[], starts: Map<string, bigint>): readonly bigint[] {
  return entries.map(({ key, count }) => {
    const start = starts.get(key);
    if (start === undefined)
      throw new ConsensusError("permanent", `the server gave no block for ${JSON.stringify(key)}`);
    starts.set(key, start + BigInt(count));
    return start;
  });
}
