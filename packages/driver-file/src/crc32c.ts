// SPDX-License-Identifier: Apache-2.0

/** Reflected Castagnoli polynomial. */
const POLYNOMIAL = 0x82f6_3b78;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  return remainder;
});

/**
 * CRC-32C of all `bytes`, as an unsigned integer: reflected, initial value and final xor
 * `0xFFFFFFFF` (`tsoracle-behaviour.md` 6.1). Node's `zlib.crc32` has another polynomial.
 */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffff_ffff;
  for (let index = 0; index < bytes.length; index += 1) {
    remainder = (remainder >>> 8) ^ (TABLE[(remainder ^ (bytes[index] as number)) & 0xff] as number);
  }
  return (remainder ^ 0xffff_ffff) >>> 0;
}
