// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const mergedReigns: Mutant = mutant(
  "merged-reigns",
  "What separates two reigns of one node is left out as noise.",
  ["leadership.separated"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          let first = true;
          for await (const item of driver.leadershipEvents(options)) {
            if (first || item.role !== "unknown") yield item;
            first = false;
          }
        },
      }),
  },
);
