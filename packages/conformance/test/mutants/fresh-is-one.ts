// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const freshIsOne: Mutant = mutant(
  "fresh-is-one",
  "A fresh history loads one.",
  ["load.fresh", "history.model"],
  {
    wrap: (driver) =>
      altered(driver, {
        loadHighWater: async (options) => physicalMs(Math.max(1, await driver.loadHighWater(options))),
      }),
  },
);
