// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const undeclaredMembership: Mutant = mutant(
  "undeclared-membership",
  "There is a membership interface, but the capabilities deny it.",
  ["membership.absent"],
  {
    wrap: (driver) =>
      altered(driver, {
        membership: {
          members: async () => [],
          leader: async () => undefined,
          addLearner: async () => {},
          promote: async () => {},
          remove: async () => {},
          transfer: async () => {},
        },
      }),
  },
);
