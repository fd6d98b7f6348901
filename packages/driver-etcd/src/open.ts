// SPDX-License-Identifier: Apache-2.0
import { EtcdClient } from "./client/etcd-client.ts";
import { type EtcdDriver, OpenEtcdDriver } from "./driver.ts";
import { checkDriverOptions, type EtcdDriverOptions, type EtcdDriverParts } from "./options.ts";

/**
 * Opens a node of an oracle that `initEtcdOracle` has made, and stands in its elections until it is disposed.
 *
 * Resolves after the first look at the store. If that failed in a way that may pass, such as a cluster without a quorum,
 * the driver is open all the same and goes on trying.
 *
 * @throws ConsensusError `permanent` for options that cannot be used, and when the first look shows that a person is
 * needed: wrong credentials, no such oracle, settings that differ from those of the oracle, another cluster, a release of
 * etcd that is refused.
 */
export async function openEtcdDriver(options: EtcdDriverOptions): Promise<EtcdDriver> {
  return await openWith(options);
}

/** As {@link openEtcdDriver}, with parts replaced. For tests. */
export async function openWith(options: EtcdDriverOptions, parts: EtcdDriverParts = {}): Promise<OpenEtcdDriver> {
  const config = checkDriverOptions(options, parts);
  const driver = new OpenEtcdDriver(config, parts.store ?? new EtcdClient(config.client, config.log));
  try {
    await driver.start();
    return driver;
  } catch (error) {
    await driver[Symbol.asyncDispose]();
    throw error;
  }
}
