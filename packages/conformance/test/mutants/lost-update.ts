// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant, ownHighWater } from "./mutant.ts";

export const lostUpdate: Mutant = mutant(
  "lost-update",
  "The maximum is made of a value read before the write.",
  ["advance.concurrent"],
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
          await driver.persistHighWater(atLeast, epoch, options);
          highWater.set(Math.max(before, atLeast));
          return highWater.get();
        },
      });
    },
  },
);
