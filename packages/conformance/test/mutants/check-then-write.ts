// SPDX-License-Identifier: Apache-2.0
import { isRefusal } from "../../src/probes.ts";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const checkThenWrite: Mutant = mutant(
  "check-then-write",
  "The epoch is checked when the call arrives and not when it is written.",
  ["fencing.late"],
  {
    // The held write must still be waiting when the election is over, however busy the machine is.
    stallTimeoutMs: 1_000,
    wrap: (driver, { world }) =>
      altered(driver, {
        persistHighWater: async (atLeast, epoch, options) => {
          const wasNewest = epoch === world.store.epoch;
          try {
            return await driver.persistHighWater(atLeast, epoch, options);
          } catch (error) {
            if (!wasNewest || !isRefusal(error)) throw error;
            return await world.leader().persistHighWater(atLeast, world.store.epoch, options);
          }
        },
      }),
  },
);
