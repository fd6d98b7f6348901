// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { altered, alteredSequences, type Mutant, mutant } from "./mutant.ts";

export const sequenceWraps: Mutant = mutant(
  "sequence-wraps",
  "A counter that is used up begins again.",
  ["sequences.overflow"],
  {
    wrap: (driver) =>
      altered(driver, {
        sequences: alteredSequences(driver, (sequences) => ({
          advance: async (entries, epoch, options) => {
            try {
              return await sequences.advance(entries, epoch, options);
            } catch (error) {
              if (error instanceof ConsensusError && error.code === "seq_overflow") return entries.map(() => 0n);
              throw error;
            }
          },
        })),
      }),
  },
);
