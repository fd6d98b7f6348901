// SPDX-License-Identifier: Apache-2.0
import { turns } from "../../src/probes.ts";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const hastyDisposal: Mutant = mutant(
  "hasty-disposal",
  "Disposal does not wait for the calls under way.",
  ["lifecycle.dispose-settles"],
  {
    wrap: (driver) =>
      altered(driver, {
        persistHighWater: async (atLeast, epoch, options) => {
          const stored = await driver.persistHighWater(atLeast, epoch, options);
          await turns(10);
          return stored;
        },
      }),
  },
);
