// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import type { MemoryUniverse } from "../memory-subject.ts";
import { altered, type Mutant, mutant } from "./mutant.ts";

const worlds = new Set<MemoryUniverse>();

export const sharedHistory: Mutant = mutant(
  "shared-history",
  "Universes find each other's high-water while both are open.",
  ["harness.isolated"],
  {
    wrap: (driver, { world }) => {
      worlds.add(world);
      return altered(driver, {
        loadHighWater: async (options) => {
          await driver.loadHighWater(options);
          const live = [...worlds].filter(({ store }) => store.leader !== undefined);
          return physicalMs(Math.max(...live.map(({ store }) => store.highWater)));
        },
      });
    },
  },
);
