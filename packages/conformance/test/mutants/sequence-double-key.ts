// SPDX-License-Identifier: Apache-2.0
import { altered, alteredSequences, type Mutant, mutant } from "./mutant.ts";

export const sequenceDoubleKey: Mutant = mutant(
  "sequence-double-key",
  "A key that stands twice in a batch gets one block.",
  ["sequences.dense", "sequences.overflow", "history.model"],
  {
    wrap: (driver) =>
      altered(driver, {
        sequences: alteredSequences(driver, (sequences) => ({
          advance: async (entries, epoch, options) => {
            const once = entries.filter(({ key }, index) => entries.findIndex((other) => other.key === key) === index);
            const starts = await sequences.advance(once, epoch, options);
            return entries.map(({ key }) => starts[once.findIndex((entry) => entry.key === key)] as bigint);
          },
        })),
      }),
  },
);
