// SPDX-License-Identifier: Apache-2.0
import { CliError } from "./cli-error.ts";

/** The drivers that this build can serve with. */
export const BUILT_IN_DRIVERS = ["file", "memory", "postgres", "redis", "etcd"] as const;
/** Drivers that have a name already and come with a later version. */
export const PLANNED_DRIVERS = ["raft"] as const;

/** The refusal of a driver that cannot be served; one line that names those that can. */
export function driverNotBuiltIn(name: string): CliError {
  const has = `this build has: ${BUILT_IN_DRIVERS.join(", ")}`;
  const planned = PLANNED_DRIVERS.some((driver) => driver === name);
  return new CliError(
    "usage",
    planned ? `driver '${name}' is not in this build; ${has}` : `unknown driver '${name}'; ${has}`,
  );
}
