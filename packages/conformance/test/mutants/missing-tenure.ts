// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const missingTenure: Mutant = mutant(
  "missing-tenure",
  "Leader items have no tenure although the capabilities promise one.",
  ["lifecycle.capabilities", "leadership.tenure"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          for await (const item of driver.leadershipEvents(options)) {
            yield item.role === "leader" ? { role: item.role, epoch: item.epoch } : item;
          }
        },
      }),
  },
);
