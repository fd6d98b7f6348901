// SPDX-License-Identifier: Apache-2.0
import type { SeqEntry } from "@tsoracle/core";
import { altered, alteredSequences, lossySequences, lostCounts, type Mutant, mutant } from "./mutant.ts";

export const sequenceVolatile: Mutant = mutant(
  "sequence-volatile",
  "A crash takes the newest sequence advance with it.",
  ["sequences.durable", "history.model"],
  {
    wrap: (driver, { world }) => {
      const lossy = altered(driver, { sequences: lossySequences(driver, lostCounts(world)) });
      return altered(lossy, {
        sequences: alteredSequences(lossy, (sequences) => ({
          advance: async (entries, epoch, options) => {
            const starts = await sequences.advance(entries, epoch, options);
            world.memory.set("newest", entries);
            return starts;
          },
        })),
      });
    },
    faults: (world) => ({
      crash: async (node) => {
        const lost = lostCounts(world);
        for (const { key, count } of (world.memory.get("newest") as readonly SeqEntry[] | undefined) ?? []) {
          lost.set(key, (lost.get(key) ?? 0n) + BigInt(count));
        }
        world.memory.delete("newest");
        await world.crash(node);
      },
    }),
  },
);
