// SPDX-License-Identifier: Apache-2.0
import { seqKey } from "../../src/probes.ts";
import { altered, lossySequences, lostCounts, type Mutant, mutant } from "./mutant.ts";

export const sequenceForgetsOnClose: Mutant = mutant(
  "sequence-forgets-on-close",
  "Closing a node in good order loses a counter that stands above two.",
  ["history.model"],
  {
    wrap: (driver, { world }) => {
      const lost = lostCounts(world);
      return altered(driver, {
        sequences: lossySequences(driver, lost),
        [Symbol.asyncDispose]: async () => {
          await driver[Symbol.asyncDispose]();
          const key = seqKey("a");
          const reader = world.store.open(99);
          const next = (await reader.sequences?.load(key)) ?? 0n;
          await reader[Symbol.asyncDispose]();
          if (next - (lost.get(key) ?? 0n) > 2n) lost.set(key, next - 2n);
        },
      });
    },
  },
);
