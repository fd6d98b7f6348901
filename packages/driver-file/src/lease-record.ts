// SPDX-License-Identifier: Apache-2.0
import type { LeaseRecord } from "@tsoracle/core";
import { type RecordLayout, RecordReader, RecordWriter, refusedRecord } from "./record.ts";

const layout: RecordLayout = { magic: "TSOO", minimumBytes: 13 };
const FIXED_BYTES = 4;
const ENTRY_BYTES = 43;

/**
 * `"TSOO" 01 | u32 n | n x (u64 lease_id | u16 len | holder | u64 holder_epoch | u64 ttl_ms |
 * u64 ts_upper_bound | u64 expires_at_ms | u8 superseded) | u32 crc`.
 *
 * @param records in strictly ascending order of id.
 */
export function encodeLeases(records: readonly LeaseRecord[]): Uint8Array {
  const payload = records.reduce((sum, { holder }) => sum + ENTRY_BYTES + holder.length, FIXED_BYTES);
  const writer = new RecordWriter(layout, payload).u32(records.length);
  for (const record of records) {
    writer
      .u64(record.leaseId)
      .u16(record.holder.length)
      .bytes(record.holder)
      .u64(record.holderEpoch)
      .u64(record.ttlMs)
      .u64(record.tsUpperBound)
      .u64(record.expiresAtMs)
      .u8(record.superseded ? 1 : 0);
  }
  return writer.seal();
}

/**
 * The leases in a `leases` file, in order of id.
 *
 * @throws FileDriverError for everything that {@link encodeLeases} does not write.
 */
export function decodeLeases(bytes: Uint8Array, path: string): readonly LeaseRecord[] {
  const reader = new RecordReader(layout, bytes, path);
  const count = reader.u32();
  const records: LeaseRecord[] = [];
  for (let index = 0; index < count; index += 1) {
    const record = decodeLease(reader);
    const previous = records.at(-1);
    if (previous !== undefined && previous.leaseId >= record.leaseId) {
      throw refusedRecord("malformed", path, `its lease ids are not in strictly ascending order at ${record.leaseId}`);
    }
    records.push(record);
  }
  reader.finish();
  return records;
}

function decodeLease(reader: RecordReader): LeaseRecord {
  const leaseId = reader.u64();
  const holder = reader.bytes(reader.u16());
  const holderEpoch = reader.u64();
  const ttlMs = reader.u64();
  const tsUpperBound = reader.u64();
  const expiresAtMs = reader.u64();
  const flag = reader.u8();
  if (flag > 1) {
    throw refusedRecord("malformed", reader.path, `expected the flag of lease ${leaseId} to be 0 or 1, got ${flag}`);
  }
  return { leaseId, holder, holderEpoch, ttlMs, tsUpperBound, expiresAtMs, superseded: flag === 1 };
}
