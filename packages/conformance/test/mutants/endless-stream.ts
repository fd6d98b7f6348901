// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const endlessStream: Mutant = mutant(
  "endless-stream",
  "Disposal leaves leadership streams open.",
  ["lifecycle.dispose-settles"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          yield* driver.leadershipEvents(options);
          if (!options.signal.aborted) await once(options.signal, "abort");
        },
      }),
  },
);
