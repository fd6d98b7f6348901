// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { type LeaseRecord, parseSeqKey, type SeqEntry, U64_MAX } from "@tsoracle/core";

const MAX_HOLDER_BYTES = 0xffff;

/**
 * The entries as this driver may keep them: copied, so that what the caller does with them later has
 * no effect. Limits of requests are the server's; these are what the record can hold.
 *
 * @throws ConsensusError `permanent`: the server let something through that it must not.
 */
export function checkSeqEntries(entries: readonly SeqEntry[]): readonly SeqEntry[] {
  return entries.map(({ key, count }) => {
    const parsed = parseSeqKey(key);
    if (!parsed.ok) throw refused(`expected a sequence key of 1 to 128 bytes of UTF-8, got ${JSON.stringify(key)}`);
    if (!Number.isSafeInteger(count) || count < 1) {
      throw refused(`expected a positive count for sequence "${key}", got ${String(count)}`);
    }
    return { key: parsed.key, count };
  });
}

/**
 * The set in order of id, copied.
 *
 * @throws ConsensusError `permanent` for a set that the record cannot hold.
 */
export function checkLeaseSet(live: readonly LeaseRecord[]): readonly LeaseRecord[] {
  const ordered = live.map(checkLease).sort((a, b) => (a.leaseId < b.leaseId ? -1 : 1));
  for (const [index, { leaseId }] of ordered.entries()) {
    if (ordered[index + 1]?.leaseId === leaseId) throw refused(`expected lease ids to be unique, got ${leaseId} twice`);
  }
  return ordered;
}

function checkLease(record: LeaseRecord): LeaseRecord {
  const { leaseId, holder, holderEpoch, ttlMs, tsUpperBound, expiresAtMs, superseded } = record;
  const numbers = { leaseId, holderEpoch, ttlMs, tsUpperBound, expiresAtMs };
  for (const [field, value] of Object.entries(numbers)) {
    if (typeof value !== "bigint" || value < 0n || value > U64_MAX) {
      throw refused(`expected ${field} of lease ${leaseId} from 0 to 2^64-1, got ${String(value)}`);
    }
  }
  if (holder.length > MAX_HOLDER_BYTES) {
    throw refused(
      `expected the holder of lease ${leaseId} to have at most ${MAX_HOLDER_BYTES} bytes, got ${holder.length}`,
    );
  }
  return { ...numbers, holder: Uint8Array.from(holder), superseded };
}

function refused(message: string): ConsensusError {
  return new ConsensusError("permanent", `${message}; nothing was written`);
}
