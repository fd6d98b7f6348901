// SPDX-License-Identifier: Apache-2.0
import { altered, alteredLeases, type Mutant, mutant } from "./mutant.ts";

export const leasesNoFence: Mutant = mutant(
  "leases-no-fence",
  "The epoch of a lease write is ignored.",
  ["leases.fenced"],
  {
    wrap: (driver, { world }) =>
      altered(driver, {
        leases: alteredLeases(driver, () => ({
          replace: async (live, epoch, options) => {
            const { leases } = epoch === world.store.epoch ? driver : world.leader();
            await leases?.replace(live, world.store.epoch, options);
          },
        })),
      }),
  },
);
