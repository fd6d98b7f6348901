// SPDX-License-Identifier: Apache-2.0
import { OpenPostgresDriver, type PostgresDriver } from "./driver.ts";
import { checkOptions, type PostgresDriverOptions, type PostgresDriverParts } from "./options.ts";

/**
 * Opens a node of an oracle that `initOracle` has made, and takes part in its elections until it is disposed.
 *
 * Resolves after the first attempt to connect. If that failed in a way that may pass, such as a server that is down, the
 * driver is open all the same and goes on trying.
 *
 * @throws ConsensusError `permanent` for options that cannot be used, and when the first attempt shows that a person is
 * needed: a wrong password, missing tables or privileges, settings that differ from those of the oracle, a pooler in
 * between, a server that does not keep what it acknowledges.
 */
export async function openPostgresDriver(options: PostgresDriverOptions): Promise<PostgresDriver> {
  return await openWith(options);
}

/** As {@link openPostgresDriver}, with parts replaced. For tests. */
export async function openWith(
  options: PostgresDriverOptions,
  parts: PostgresDriverParts = {},
): Promise<OpenPostgresDriver> {
  const driver = new OpenPostgresDriver(checkOptions(options, parts));
  try {
    await driver.start();
    return driver;
  } catch (error) {
    await driver[Symbol.asyncDispose]();
    throw error;
  }
}
