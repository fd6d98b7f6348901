// SPDX-License-Identifier: Apache-2.0
import { epochOf } from "@tsoracle/consensus";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const impostor: Mutant = mutant(
  "impostor",
  "After some elections the followers believe that they lead.",
  ["leadership.one-per-epoch"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          for await (const item of driver.leadershipEvents(options)) {
            const epoch = epochOf(item);
            if (item.role === "follower" && epoch !== undefined && epoch > 7n) {
              yield { role: "leader", epoch, tenure: { valid: () => false } };
            } else {
              yield item;
            }
          }
        },
      }),
  },
);
