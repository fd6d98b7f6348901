// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const stickyLeader: Mutant = mutant("sticky-leader", "Resigning changes nothing.", ["leadership.resign"], {
  wrap: (driver) => altered(driver, { resign: async () => {} }),
});
