// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";

/** A random number that tells this process from every other: 1 to 2^64-1. */
export function mintNonce(): bigint {
  return randomBytes(8).readBigUInt64BE() || 1n;
}
