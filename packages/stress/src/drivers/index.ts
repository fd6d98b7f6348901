// SPDX-License-Identifier: Apache-2.0
import { etcdStress } from "./etcd.ts";
import { fileStress } from "./file.ts";
import { postgresStress } from "./postgres.ts";
import { raftStress } from "./raft.ts";
import { redisStress } from "./redis.ts";
import type { StressDriver } from "./stress-driver.ts";

/** The table of drivers; a driver is one file beside this one. */
export const STRESS_DRIVERS: readonly StressDriver[] = [
  fileStress,
  postgresStress,
  redisStress,
  etcdStress,
  raftStress,
];

export function stressDriver(name: string): StressDriver | undefined {
  return STRESS_DRIVERS.find((driver) => driver.name === name);
}
