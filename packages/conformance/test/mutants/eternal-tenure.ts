// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const eternalTenure: Mutant = mutant(
  "eternal-tenure",
  "A tenure never ends.",
  ["leadership.tenure", "leadership.wait-out"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          for await (const item of driver.leadershipEvents(options)) {
            yield item.role === "leader" ? { ...item, tenure: { valid: () => true } } : item;
          }
        },
      }),
  },
);
