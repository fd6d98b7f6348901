// SPDX-License-Identifier: Apache-2.0
import { isPhysicalMs, PHYSICAL_MS_MAX, type PhysicalMs } from "@tsoracle/core";
import { type RecordLayout, RecordReader, RecordWriter, refusedRecord } from "./record.ts";

const STATE_BYTES = 17;
const layout: RecordLayout = { magic: "TSOR", minimumBytes: STATE_BYTES };

/** `"TSOR" 01 | u64 high_water | u32 crc`: 17 bytes. */
export function encodeState(highWater: PhysicalMs): Uint8Array {
  return new RecordWriter(layout, 8).u64(BigInt(highWater)).seal();
}

/**
 * The high-water in a `state` file.
 *
 * @throws FileDriverError for everything that {@link encodeState} does not write.
 */
export function decodeState(bytes: Uint8Array, path: string): PhysicalMs {
  // The record has one size, so bytes after it are told apart from a wrong checksum.
  const reader = new RecordReader(layout, bytes.subarray(0, STATE_BYTES), path);
  const highWater = reader.u64();
  reader.finish();
  if (bytes.length > STATE_BYTES) {
    throw refusedRecord("trailing_bytes", path, `expected ${STATE_BYTES} bytes, got ${bytes.length}`);
  }
  const value = Number(highWater);
  if (!isPhysicalMs(value)) {
    throw refusedRecord(
      "physical_ms_out_of_range",
      path,
      `its high-water ${highWater} is above ${PHYSICAL_MS_MAX} (46 bits), so no timestamp could ever be above it`,
    );
  }
  return value;
}
