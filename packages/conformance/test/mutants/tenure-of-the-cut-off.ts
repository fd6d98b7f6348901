// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const tenureOfTheCutOff: Mutant = mutant(
  "tenure-of-the-cut-off",
  "A leader that hears nothing of its store goes on as before.",
  ["leadership.wait-out"],
  {
    wrap: (driver, { node, world }) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          for await (const item of driver.leadershipEvents(options)) {
            if (item.role !== "leader") yield item;
            else yield { ...item, tenure: { valid: () => world.isCutOff(node) || item.tenure?.valid() === true } };
          }
        },
      }),
  },
);
