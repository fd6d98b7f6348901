// SPDX-License-Identifier: Apache-2.0
import { CliError } from "./cli-error.ts";

/** The drivers that this build can serve with. */
export const BUILT_IN_DRIVERS = ["file", "memory", "postgres", "redis", "etcd", "raft"] as const;

/** The refusal of a driver that cannot be served; one line that names those that can. */
export function driverNotBuiltIn(name: string): CliError {
  return new CliError("usage", `unknown driver '${name}'; this build has: ${BUILT_IN_DRIVERS.join(", ")}`);
}
