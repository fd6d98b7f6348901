// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { altered, alteredSequences, type Mutant, mutant } from "./mutant.ts";

export const sequenceRetries: Mutant = mutant(
  "sequence-retries",
  "A sequence advance of unknown outcome is tried again, as a high-water may be.",
  ["sequences.lost-reply"],
  {
    wrap: (driver) =>
      altered(driver, {
        sequences: alteredSequences(driver, (sequences) => ({
          advance: async (entries, epoch, options) => {
            try {
              return await sequences.advance(entries, epoch, options);
            } catch (error) {
              if (!(error instanceof ConsensusError) || error.code !== "uncertain") throw error;
              return await sequences.advance(entries, epoch, options);
            }
          },
        })),
      }),
  },
);
