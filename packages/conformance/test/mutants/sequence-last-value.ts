// SPDX-License-Identifier: Apache-2.0
import { altered, alteredSequences, type Mutant, mutant } from "./mutant.ts";

export const sequenceLastValue: Mutant = mutant(
  "sequence-last-value",
  "A sequence loads its last value and not its next.",
  ["sequences.load", "sequences.overflow", "history.model"],
  {
    wrap: (driver) =>
      altered(driver, {
        sequences: alteredSequences(driver, (sequences) => ({
          load: async (key, options) => {
            const next = await sequences.load(key, options);
            return next === 0n ? next : next - 1n;
          },
        })),
      }),
  },
);
