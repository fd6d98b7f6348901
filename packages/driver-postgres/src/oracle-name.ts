// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { invalid } from "./invalid.ts";

/** What follows from the name of an oracle, and what keeps several oracles of one database apart. */
export interface OracleIdentity {
  readonly name: string;
  /** Key of the advisory lock: a signed 64-bit integer in decimal. A collision costs liveness only. */
  readonly lockKey: string;
  /** Where an orderly release is announced. */
  readonly channel: string;
  /** How the session shows itself to the server; eviction ends no session with another name. */
  readonly applicationName: string;
}

const LOCK_DOMAIN = "tso-oracle/pg/v1\0";

/** @throws ConsensusError `permanent` unless the name fits the table. */
export function oracleIdentity(name: string): OracleIdentity {
  if (typeof name !== "string" || !/^[A-Za-z0-9._:-]{1,128}$/.test(name)) {
    throw invalid(
      `expected an oracle name of 1 to 128 letters, digits, ".", "_", ":" or "-", got ${JSON.stringify(name)}`,
    );
  }
  const key = createHash("sha256")
    .update(LOCK_DOMAIN + name)
    .digest()
    .readBigInt64BE(0);
  const hex = BigInt.asUintN(64, key).toString(16).padStart(16, "0");
  // The server cuts application names at 63 bytes; eviction compares what it kept.
  return { name, lockKey: key.toString(), channel: `tso_${hex}`, applicationName: `tso/${name}`.slice(0, 63) };
}
