// SPDX-License-Identifier: Apache-2.0
import { MEMORY_CAPABILITIES } from "@tsoracle/consensus/memory";
import { altered, type Mutant, mutant } from "./mutant.ts";

const capabilities = Object.freeze({ ...MEMORY_CAPABILITIES, membership: true });

export const emptyMembership: Mutant = mutant(
  "empty-membership",
  "The capabilities promise a membership interface, and there is none.",
  ["membership.members"],
  {
    subject: { capabilities },
    wrap: (driver) => altered(driver, { capabilities }),
  },
);
