// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant, ownHighWater } from "./mutant.ts";

export const rollbackOnAbort: Mutant = mutant(
  "rollback-on-abort",
  "Cancelling an advance undoes it, later.",
  ["cancel.in-flight"],
  {
    wrap: (driver, { world }) => {
      const highWater = ownHighWater(world);
      return altered(driver, {
        loadHighWater: async (options) => {
          await driver.loadHighWater(options);
          return highWater.get();
        },
        persistHighWater: async (atLeast, epoch, options) => {
          const before = highWater.get();
          try {
            await driver.persistHighWater(atLeast, epoch, options);
            highWater.set(Math.max(highWater.get(), atLeast));
            return highWater.get();
          } catch (error) {
            if (options?.signal?.aborted === true) setImmediate(() => highWater.set(before));
            throw error;
          }
        },
      });
    },
  },
);
