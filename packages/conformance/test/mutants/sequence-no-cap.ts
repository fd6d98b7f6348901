// SPDX-License-Identifier: Apache-2.0
import { MemoryStore } from "@tsoracle/consensus/memory";
import { type Mutant, mutant } from "./mutant.ts";

export const sequenceNoCap: Mutant = mutant(
  "sequence-no-cap",
  "The cap on sequence keys is not enforced.",
  ["sequences.batch-atomic", "sequences.cap"],
  {
    makeStore: () => new MemoryStore({ seqKeyCap: 1_000, autoElect: true }),
  },
);
