// SPDX-License-Identifier: Apache-2.0
import { U64_MAX, U128_MAX } from "@tsoracle/core";
import { FenceValueError } from "./fencing-errors.ts";

/** Width of the epochs of one fence, in bits. All parties of a fence use the same. */
export type EpochBits = 64 | 128;

/** The largest epoch of a width. */
export function epochMax(bits: EpochBits): bigint {
  return bits === 64 ? U64_MAX : U128_MAX;
}

/**
 * The epoch itself, if it lies in its domain.
 *
 * @throws FenceValueError `epoch_out_of_range` for anything but a bigint from 0 to 2^bits-1.
 */
export function checkEpoch(epoch: bigint, bits: EpochBits): bigint {
  if (typeof epoch === "bigint" && epoch >= 0n && epoch <= epochMax(bits)) return epoch;
  throw new FenceValueError(
    "epoch_out_of_range",
    `expected an epoch as a bigint from 0 to 2^${bits}-1, got ${typeof epoch} ${String(epoch)}`,
  );
}

/**
 * An epoch as text of one fixed width, so that it never becomes a number that rounds: 20 decimal
 * digits for 64 bits, 32 lower-case hex digits for 128 bits. The order of the texts is the order of
 * the epochs. Source: `fencing-quorum-sessions.md` 1.3, `postgres-redis.md` 4.6.
 *
 * @throws FenceValueError `epoch_out_of_range`.
 */
export function epochToText(epoch: bigint, bits: EpochBits): string {
  checkEpoch(epoch, bits);
  return bits === 64 ? epoch.toString(10).padStart(20, "0") : epoch.toString(16).padStart(32, "0");
}

/**
 * Reads what {@link epochToText} wrote, and nothing else.
 *
 * @throws FenceValueError `epoch_malformed` for another width or other characters, `epoch_out_of_range`.
 */
export function epochFromText(text: string, bits: EpochBits): bigint {
  const shape = bits === 64 ? /^[0-9]{20}$/ : /^[0-9a-f]{32}$/;
  if (typeof text !== "string" || !shape.test(text)) {
    const expected = bits === 64 ? "20 decimal digits" : "32 lower-case hex digits";
    throw new FenceValueError("epoch_malformed", `expected an epoch as ${expected}, got ${JSON.stringify(text)}`);
  }
  return checkEpoch(BigInt(bits === 64 ? text : `0x${text}`), bits);
}

/**
 * Reads a plain decimal epoch: no sign, no space, no leading zero. This is the form for JSON and HTTP headers.
 *
 * @throws FenceValueError `epoch_malformed` or `epoch_out_of_range`.
 */
export function epochFromDecimal(text: string, bits: EpochBits): bigint {
  if (typeof text !== "string" || text.length > 39 || !/^(?:0|[1-9][0-9]*)$/.test(text)) {
    throw new FenceValueError(
      "epoch_malformed",
      `expected an epoch as plain decimal digits, got ${JSON.stringify(text)}`,
    );
  }
  return checkEpoch(BigInt(text), bits);
}
