// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { altered, type Mutant, mutant, ownHighWater } from "./mutant.ts";

export const overwrite: Mutant = mutant(
  "overwrite",
  "An advance stores what was asked for, larger or not.",
  ["advance.max", "advance.stale", "advance.concurrent", "history.model"],
  {
    wrap: (driver, { world }) => {
      const highWater = ownHighWater(world);
      return altered(driver, {
        loadHighWater: async (options) => {
          await driver.loadHighWater(options);
          return highWater.get();
        },
        persistHighWater: async (atLeast, epoch, options) => {
          await driver.persistHighWater(atLeast, epoch, options);
          const before = highWater.get();
          highWater.set(atLeast);
          return physicalMs(Math.max(before, atLeast));
        },
      });
    },
  },
);
