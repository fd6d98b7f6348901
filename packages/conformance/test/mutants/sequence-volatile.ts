// SPDX-License-Identifier: Apache-2.0
import { altered, alteredSequences, type Mutant, mutant } from "./mutant.ts";

export const sequenceVolatile: Mutant = mutant(
  "sequence-volatile",
  "A crash takes the newest sequence advance with it.",
  ["sequences.durable", "history.model"],
  {
    wrap: (driver, { world }) =>
      altered(driver, {
        sequences: alteredSequences(driver, (sequences) => ({
          advance: async (entries, epoch, options) => {
            const starts = await sequences.advance(entries, epoch, options);
            world.memory.set("undo", () => {
              for (const [index, { key }] of entries.entries()) world.store.setSequence(key, starts[index] as bigint);
            });
            return starts;
          },
        })),
      }),
    faults: (world) => ({
      crash: async (node) => {
        (world.memory.get("undo") as (() => void) | undefined)?.();
        await world.crash(node);
      },
    }),
  },
);
