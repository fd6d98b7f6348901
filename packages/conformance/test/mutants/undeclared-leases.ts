// SPDX-License-Identifier: Apache-2.0
import { MEMORY_CAPABILITIES } from "@tsoracle/consensus/memory";
import { altered, type Mutant, mutant } from "./mutant.ts";

const capabilities = Object.freeze({ ...MEMORY_CAPABILITIES, leases: false });

export const undeclaredLeases: Mutant = mutant(
  "undeclared-leases",
  "There are leases, but the capabilities deny it.",
  ["leases.absent"],
  {
    subject: { capabilities },
    wrap: (driver) => altered(driver, { capabilities }),
  },
);
