// SPDX-License-Identifier: Apache-2.0
import { type Mutant, mutant, withoutTenure } from "./mutant.ts";

export const missingTenure: Mutant = mutant(
  "missing-tenure",
  "Leader items have no tenure although the capabilities promise one.",
  ["lifecycle.capabilities", "leadership.tenure", "leadership.wait-out"],
  { wrap: (driver) => withoutTenure(driver) },
);
