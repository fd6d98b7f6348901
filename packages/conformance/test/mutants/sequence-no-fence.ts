// SPDX-License-Identifier: Apache-2.0
import { altered, alteredSequences, type Mutant, mutant } from "./mutant.ts";

export const sequenceNoFence: Mutant = mutant(
  "sequence-no-fence",
  "The epoch of a sequence advance is ignored.",
  ["sequences.fenced"],
  {
    wrap: (driver, { world }) =>
      altered(driver, {
        sequences: alteredSequences(driver, () => ({
          advance: async (entries, epoch, options) => {
            const { sequences } = epoch === world.store.epoch ? driver : world.leader();
            if (sequences === undefined) throw new TypeError("the memory driver has sequences");
            return await sequences.advance(entries, world.store.epoch, options);
          },
        })),
      }),
  },
);
