// SPDX-License-Identifier: Apache-2.0
import { altered, alteredLeases, type Mutant, mutant } from "./mutant.ts";

export const leasesMerge: Mutant = mutant(
  "leases-merge",
  "A new set of leases is added to the old one.",
  ["leases.replace", "leases.durable", "history.model"],
  {
    wrap: (driver) =>
      altered(driver, {
        leases: alteredLeases(driver, (leases) => ({
          replace: async (live, epoch, options) => {
            const given = new Set(live.map(({ leaseId }) => leaseId));
            const kept = (await leases.load()).filter(({ leaseId }) => !given.has(leaseId));
            await leases.replace([...kept, ...live], epoch, options);
          },
        })),
      }),
  },
);
