// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";

/** `count` random bytes. */
export type RandomBytes = (count: number) => Uint8Array;

/** The system's randomness, where the caller injects none. */
export const systemRandom: RandomBytes = (count) => randomBytes(count);

/** 1 to 2^53-1: so many that no two nodes of one cluster ever draw the same (I1, M6). */
export function randomNodeId(random: RandomBytes): number {
  const bytes = random(7);
  const value = bytes.reduce((sum, byte, index) => sum + (index === 0 ? byte & 0x1f : byte) * 256 ** (6 - index), 0);
  return value === 0 ? 1 : value;
}

/** 16 random bytes in hexadecimal. */
export function randomStorageId(random: RandomBytes): string {
  return Buffer.from(random(16)).toString("hex");
}
