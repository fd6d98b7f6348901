// SPDX-License-Identifier: Apache-2.0
import { MEMORY_CAPABILITIES } from "@tsoracle/consensus/memory";
import { altered, type Mutant, mutant } from "./mutant.ts";

const capabilities = Object.freeze({ ...MEMORY_CAPABILITIES, sequences: false });

export const undeclaredSequences: Mutant = mutant(
  "undeclared-sequences",
  "There are sequences, but the capabilities deny it.",
  ["sequences.absent"],
  {
    subject: { capabilities },
    wrap: (driver) => altered(driver, { capabilities }),
  },
);
