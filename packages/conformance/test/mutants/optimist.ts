// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const optimist: Mutant = mutant(
  "optimist",
  "A write whose reply was lost counts as done.",
  ["uncertain.lost-reply"],
  {
    wrap: (driver) =>
      altered(driver, {
        persistHighWater: async (atLeast, epoch, options) => {
          try {
            return await driver.persistHighWater(atLeast, epoch, options);
          } catch (error) {
            if (error instanceof Error && error.message.includes("reply was lost")) return atLeast;
            throw error;
          }
        },
      }),
  },
);
