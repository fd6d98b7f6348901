// SPDX-License-Identifier: Apache-2.0
import { isPhysicalMs, type PhysicalMs, physicalMs } from "@tsoracle/core";
import { advanceOutOfRange, ConsensusError } from "./consensus-error.ts";

/**
 * Refuses a high-water that is not an integer in `0..=2^46-1`. Every driver calls it before it
 * writes anything: such a value, once durable, could never be served and would never heal.
 *
 * @throws ConsensusError `out_of_range`.
 */
export function rejectOutOfRangeAdvance(atLeast: number): asserts atLeast is PhysicalMs {
  if (!isPhysicalMs(atLeast)) throw advanceOutOfRange(atLeast);
}

/**
 * A proposed high-water as replicated logs carry it: one bare unsigned base-128 varint, least
 * significant group first (`tsoracle-behaviour.md` 2.4; 5 is the byte `05`).
 */
export class AdvancePayload {
  readonly atLeast: PhysicalMs;

  /** @throws ConsensusError `out_of_range`. */
  constructor(atLeast: number) {
    rejectOutOfRangeAdvance(atLeast);
    this.atLeast = physicalMs(atLeast);
  }

  /** The high-water after applying this payload: it only ever rises. */
  merge(current: PhysicalMs): PhysicalMs {
    return current > this.atLeast ? current : this.atLeast;
  }

  encode(): Uint8Array {
    const bytes: number[] = [];
    let rest: number = this.atLeast;
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    bytes.push(rest);
    return Uint8Array.from(bytes);
  }

  /** Reads exactly one canonical payload. @throws ConsensusError `permanent` when malformed, `out_of_range`. */
  static decode(bytes: Uint8Array): AdvancePayload {
    let value = 0;
    for (const [index, byte] of bytes.entries()) {
      value += (byte & 0x7f) * 0x80 ** index;
      if (byte < 0x80 && index === bytes.length - 1 && (byte > 0 || index === 0)) return new AdvancePayload(value);
      if (byte < 0x80 || index >= 9) break;
    }
    throw malformedAdvance(bytes);
  }
}

function malformedAdvance(bytes: Uint8Array): ConsensusError {
  const hex = [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return new ConsensusError("permanent", `expected an advance payload of one canonical varint, got bytes ${hex}`);
}
