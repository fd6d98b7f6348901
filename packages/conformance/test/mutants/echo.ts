// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const echo: Mutant = mutant(
  "echo",
  "An advance resolves to what was asked for.",
  ["advance.max", "history.model"],
  {
    wrap: (driver) =>
      altered(driver, {
        persistHighWater: async (atLeast, epoch, options) => {
          await driver.persistHighWater(atLeast, epoch, options);
          return atLeast;
        },
      }),
  },
);
