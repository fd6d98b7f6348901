// SPDX-License-Identifier: Apache-2.0
import { altered, alteredLeases, type Mutant, mutant } from "./mutant.ts";

export const leasesInGivenOrder: Mutant = mutant(
  "leases-in-given-order",
  "Leases load in the order in which they were given.",
  ["leases.load"],
  {
    wrap: (driver, { world }) =>
      altered(driver, {
        leases: alteredLeases(driver, (leases) => ({
          load: async (options) => {
            const given = (world.memory.get("given") ?? []) as readonly bigint[];
            const records = await leases.load(options);
            return [...records].sort((a, b) => given.indexOf(a.leaseId) - given.indexOf(b.leaseId));
          },
          replace: async (live, epoch, options) => {
            await leases.replace(live, epoch, options);
            world.memory.set(
              "given",
              live.map(({ leaseId }) => leaseId),
            );
          },
        })),
      }),
  },
);
