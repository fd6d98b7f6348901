// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const thawedCapabilities: Mutant = mutant(
  "thawed-capabilities",
  "Capabilities can be changed by whoever reads them.",
  ["lifecycle.capabilities"],
  {
    wrap: (driver) => altered(driver, { capabilities: { ...driver.capabilities } }),
  },
);
