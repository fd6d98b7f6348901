// SPDX-License-Identifier: Apache-2.0
import type { PhysicalMs } from "@tsoracle/core";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const cachedLoad: Mutant = mutant(
  "cached-load",
  "A follower loads once and repeats itself.",
  ["load.linearized", "history.model"],
  {
    wrap: (driver, { node, world }) => {
      let cached: PhysicalMs | undefined;
      return altered(driver, {
        loadHighWater: async (options) => {
          if (world.store.leader === node) return await driver.loadHighWater(options);
          cached ??= await driver.loadHighWater(options);
          return cached;
        },
      });
    },
  },
);
