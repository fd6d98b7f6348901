// SPDX-License-Identifier: Apache-2.0
import { altered, alteredLeases, type Mutant, mutant } from "./mutant.ts";

export const leasesVolatile: Mutant = mutant(
  "leases-volatile",
  "A crash takes all leases with it.",
  ["leases.durable", "history.model"],
  {
    wrap: (driver, { world }) =>
      altered(driver, {
        leases: alteredLeases(driver, (leases) => ({
          load: async (options) => (world.memory.get("lost") === true ? [] : await leases.load(options)),
          replace: async (live, epoch, options) => {
            await leases.replace(live, epoch, options);
            world.memory.set("lost", false);
          },
        })),
      }),
    faults: (world) => ({
      crash: async (node) => {
        world.memory.set("lost", true);
        await world.crash(node);
      },
    }),
  },
);
