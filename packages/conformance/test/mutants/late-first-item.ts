// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const lateFirstItem: Mutant = mutant(
  "late-first-item",
  "A stream begins with unknown, whatever the state is.",
  ["leadership.first-item"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          yield { role: "unknown" };
          yield* driver.leadershipEvents(options);
        },
      }),
  },
);
