// SPDX-License-Identifier: Apache-2.0
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ConsensusDriver, MembershipAdmin } from "@tsoracle/consensus";
import { openRaftDriver, type RaftDriverOptions } from "../src/index.ts";
import type { OpenRaftDriver } from "../src/node/driver.ts";
import { LOCK_FILE } from "../src/storage/lock.ts";

/** A node as the kit's clusters need it, wherever it runs. */
export interface KitNode extends ConsensusDriver {
  readonly membership: MembershipAdmin;
  /** Whether its end has begun. */
  readonly closed: boolean;
  /** Ends it as a crash would, and resolves when nothing of it runs any more. */
  terminate(): Promise<void>;
}

/** Starts a node over its directory. */
export type Launch = (options: RaftDriverOptions) => Promise<KitNode>;

/** A node in this process, with a thread of its own whose end stands for the end of a process. */
export const inThread: Launch = async (options) => {
  const driver = (await openRaftDriver(options)) as OpenRaftDriver;
  const terminate = driver.terminate.bind(driver);
  driver.terminate = async () => {
    await terminate();
    // The lock names this process, which lives on.
    await rm(join(options.directory, LOCK_FILE), { force: true });
  };
  return driver;
};
