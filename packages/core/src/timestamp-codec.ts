// SPDX-License-Identifier: Apache-2.0
import { CoreError } from "./core-error.ts";
import { U64_MAX } from "./limits.ts";

/** Eight bytes, big-endian. @throws CoreError `timestamp_out_of_range`. */
export function timestampToBytes(packed: bigint): Uint8Array {
  if (packed < 0n || packed > U64_MAX) {
    throw new CoreError("timestamp_out_of_range", `expected a timestamp from 0 to 2^64-1, got ${packed}`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, packed);
  return bytes;
}

/** Reads what {@link timestampToBytes} wrote. @throws CoreError `timestamp_malformed` unless there are eight bytes. */
export function timestampFromBytes(bytes: Uint8Array): bigint {
  if (bytes.length !== 8) {
    throw new CoreError("timestamp_malformed", `expected 8 bytes, got ${bytes.length}`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}

/**
 * Reads a packed timestamp from decimal digits or `0x` and hexadecimal digits.
 *
 * @throws CoreError `timestamp_malformed` or `timestamp_out_of_range`.
 */
export function parseTimestamp(text: string): bigint {
  if (!/^(?:[0-9]{1,20}|0x[0-9a-fA-F]{1,16})$/.test(text)) {
    throw new CoreError(
      "timestamp_malformed",
      `expected a timestamp in decimal or 0x hexadecimal digits, got ${JSON.stringify(text)}`,
    );
  }
  const packed = BigInt(text);
  if (packed > U64_MAX) {
    throw new CoreError("timestamp_out_of_range", `expected a timestamp from 0 to 2^64-1, got ${text}`);
  }
  return packed;
}
