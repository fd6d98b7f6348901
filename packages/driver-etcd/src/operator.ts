// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { isPhysicalMs, type PhysicalMs } from "@tsoracle/core";
import { EtcdClient } from "./client/etcd-client.ts";
import { toConsensusError } from "./failure.ts";
import { invalid } from "./invalid.ts";
import type { OracleKeys } from "./keys.ts";
import { unbreakable } from "./log.ts";
import { checkOracle, type EtcdOracleOptions } from "./options.ts";

/** Runs one command of an operator on a connection of its own. @throws ConsensusError */
export async function asOperator<T>(
  options: EtcdOracleOptions,
  isWrite: boolean,
  work: (client: EtcdClient, keys: OracleKeys) => Promise<T>,
): Promise<T> {
  const { client: config, keys } = checkOracle(options);
  const client = new EtcdClient(config, unbreakable(undefined));
  try {
    return await work(client, keys);
  } catch (error) {
    throw toConsensusError(error, isWrite);
  } finally {
    client.close();
  }
}

/** @throws ConsensusError `out_of_range`, `permanent` */
export function checkFloor(name: string, value: number): PhysicalMs {
  if (isPhysicalMs(value)) return value;
  if (typeof value === "number" && value > 0) {
    throw new ConsensusError("out_of_range", `expected ${name} of at most 2^46-1 milliseconds, got ${value}`);
  }
  throw invalid(`expected ${name} as milliseconds since 1970, got ${String(value)}`);
}
