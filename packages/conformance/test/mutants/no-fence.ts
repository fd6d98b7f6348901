// SPDX-License-Identifier: Apache-2.0
import { isRefusal } from "../../src/probes.ts";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const noFence: Mutant = mutant(
  "no-fence",
  "The epoch of an advance is ignored.",
  ["leadership.resign", "fencing.superseded", "fencing.late", "history.model"],
  {
    // The held write must still be waiting when the election is over, however busy the machine is.
    stallTimeoutMs: 1_000,
    wrap: (driver, { world }) =>
      altered(driver, {
        persistHighWater: async (atLeast, epoch, options) => {
          try {
            return await driver.persistHighWater(atLeast, epoch, options);
          } catch (error) {
            if (!isRefusal(error)) throw error;
            return await world.leader().persistHighWater(atLeast, world.store.epoch, options);
          }
        },
      }),
  },
);
