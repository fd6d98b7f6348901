// SPDX-License-Identifier: Apache-2.0
import { altered, alteredSequences, type Mutant, mutant } from "./mutant.ts";

export const sequenceHalfBatch: Mutant = mutant(
  "sequence-half-batch",
  "A batch is carried out entry by entry.",
  ["sequences.batch-atomic", "sequences.overflow"],
  {
    wrap: (driver) =>
      altered(driver, {
        sequences: alteredSequences(driver, (sequences) => ({
          advance: async (entries, epoch, options) => {
            const starts: bigint[] = [];
            for (const entry of entries) starts.push(...(await sequences.advance([entry], epoch, options)));
            return starts;
          },
        })),
      }),
  },
);
