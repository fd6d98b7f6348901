// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, ConsensusError, type LeaseStore } from "@tsoracle/consensus";
import { type Epoch, type LeaseRecord, U64_MAX } from "@tsoracle/core";
import { invalid } from "./invalid.ts";
import type { StoreAccess } from "./store-access.ts";
import { put, unmodified } from "./transactions.ts";

/** Below etcd's limit on a request, 1.5 MiB, with room for the rest of it. */
const MAX_DOCUMENT_BYTES = 1_048_576;

/**
 * The client leases of an oracle, one JSON document, replaced under the fence and only if it is still the one that was
 * read: a replacement whose outcome is unknown must not come late and undo a newer one.
 */
export class EtcdLeases implements LeaseStore {
  readonly #access: StoreAccess;
  #last: Promise<unknown> = Promise.resolve();

  constructor(access: StoreAccess) {
    this.#access = access;
  }

  load(options?: CallOptions): Promise<readonly LeaseRecord[]> {
    return this.#access.call(options, false, async () => {
      const [found] = await this.#access.read([this.#access.config.keys.leases]);
      return found === undefined ? [] : decodeLeases(new TextDecoder().decode(found.value));
    });
  }

  replace(live: readonly LeaseRecord[], epoch: Epoch, options?: CallOptions): Promise<void> {
    return this.#access.call(options, true, async () => {
      const document = new TextEncoder().encode(encodeLeases(live));
      if (document.length > MAX_DOCUMENT_BYTES) {
        throw invalid(`${live.length} leases take ${document.length} bytes, and etcd takes ${MAX_DOCUMENT_BYTES}`);
      }
      this.#access.leading(epoch);
      const turn = this.#last.then(() => this.#replace(document, epoch));
      this.#last = turn.catch(() => {});
      await turn;
    });
  }

  async #replace(document: Uint8Array, epoch: Epoch): Promise<void> {
    const { config, fenced } = this.#access;
    for (;;) {
      const candidacy = this.#access.leading(epoch);
      const [found] = await this.#access.read([config.keys.leases]);
      const isSame = unmodified(config.keys.leases, found?.modRevision ?? 0n);
      if (await fenced.write(candidacy, [isSame], [put(config.keys.leases, document)])) return;
    }
  }
}
const integers = ["leaseId", "holderEpoch", "ttlMs", "tsUpperBound", "expiresAtMs"] as const;
type StoredLease = { readonly [Field in (typeof integers)[number]]: string } & {
  readonly holder: string;
  readonly superseded: boolean;
};

/** Integers as decimal strings, because JSON numbers are not exact; the holder in base64. @throws ConsensusError `permanent` */
export function encodeLeases(live: readonly LeaseRecord[]): string {
  const ids = new Set<bigint>();
  const stored = live.map((record): StoredLease => {
    for (const field of integers) {
      const value = record[field];
      if (typeof value !== "bigint" || value < 0n || value > U64_MAX) {
        throw invalid(`expected ${field} of lease ${record.leaseId} from 0 to 2^64-1, got ${String(value)}`);
      }
    }
    if (ids.has(record.leaseId)) throw invalid(`expected lease ids to be unique, got ${record.leaseId} twice`);
    ids.add(record.leaseId);
    return {
      leaseId: String(record.leaseId),
      holder: Buffer.from(record.holder).toString("base64"),
      holderEpoch: String(record.holderEpoch),
      ttlMs: String(record.ttlMs),
      tsUpperBound: String(record.tsUpperBound),
      expiresAtMs: String(record.expiresAtMs),
      superseded: record.superseded,
    };
  });
  return JSON.stringify(stored);
}

/** In order of id. @throws ConsensusError `permanent` for a document that this driver did not write */
export function decodeLeases(document: string): readonly LeaseRecord[] {
  let stored: unknown;
  try {
    stored = JSON.parse(document);
    if (!Array.isArray(stored)) throw new TypeError("it is no array");
    return stored.map(decodeLease).sort((a, b) => (a.leaseId < b.leaseId ? -1 : 1));
  } catch (error) {
    throw new ConsensusError("permanent", `the stored leases are not what this driver writes: ${String(error)}`, {
      cause: error,
    });
  }
}

function decodeLease(stored: StoredLease): LeaseRecord {
  const [leaseId, holderEpoch, ttlMs, tsUpperBound, expiresAtMs] = integers.map((field) => {
    if (!/^[0-9]{1,20}$/.test(stored[field])) throw new TypeError(`${field} is ${JSON.stringify(stored[field])}`);
    return BigInt(stored[field]);
  }) as [bigint, bigint, bigint, bigint, bigint];
  if (typeof stored.holder !== "string" || typeof stored.superseded !== "boolean") {
    throw new TypeError(`lease ${leaseId} lacks its holder`);
  }
  const holder = Uint8Array.from(Buffer.from(stored.holder, "base64"));
  return { leaseId, holder, holderEpoch, ttlMs, tsUpperBound, expiresAtMs, superseded: stored.superseded };
}
