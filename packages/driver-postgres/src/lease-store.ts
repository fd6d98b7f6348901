// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, ConsensusError, type LeaseStore } from "@tsoracle/consensus";
import { type Epoch, type LeaseRecord, U64_MAX } from "@tsoracle/core";
import { invalid } from "./invalid.ts";
import { epochParameters } from "./rows.ts";
import type { StoreAccess } from "./store-access.ts";

/** The client leases of an oracle, one JSON document, replaced under the fence of the oracle's row. */
export class PostgresLeases implements LeaseStore {
  readonly #store: StoreAccess;

  constructor(store: StoreAccess) {
    this.#store = store;
  }

  load(options?: CallOptions): Promise<readonly LeaseRecord[]> {
    const { statements, identity } = this.#store.config;
    return this.#store.call(options, false, async () => {
      const session = await this.#store.ready();
      await this.#store.loadGate(session);
      const { rows } = await session.run(statements.leaseSet, [identity.name], { what: "cannot read the leases" });
      return decodeLeases(rows[0]?.["records"] ?? "[]");
    });
  }

  replace(live: readonly LeaseRecord[], epoch: Epoch, options?: CallOptions): Promise<void> {
    return this.#store.call(options, true, async () => {
      const { statements, identity } = this.#store.config;
      const document = encodeLeases(live);
      const session = this.#store.sessionOf(epoch);
      const { rows } = await session.run(statements.leases, [identity.name, ...epochParameters(epoch), document], {
        what: "cannot replace the leases",
        isWrite: true,
      });
      if (rows.length === 0) throw await this.#store.fencedOut(session, epoch);
    });
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
