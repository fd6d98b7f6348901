// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant, ownHighWater } from "./mutant.ts";

export const tornCrash: Mutant = mutant(
  "torn-crash",
  "A crash during a write leaves nothing that can be read.",
  ["durable.unresolved"],
  {
    wrap: (driver, { world }) => {
      const highWater = ownHighWater(world);
      return altered(driver, {
        loadHighWater: async (options) => {
          await driver.loadHighWater(options);
          return highWater.get();
        },
        persistHighWater: async (atLeast, epoch, options) => {
          world.memory.set("writing", true);
          try {
            await driver.persistHighWater(atLeast, epoch, options);
            highWater.set(Math.max(highWater.get(), atLeast));
            return highWater.get();
          } finally {
            world.memory.set("writing", false);
          }
        },
      });
    },
    faults: (world) => ({
      crash: async (node) => {
        if (world.memory.get("writing") === true) ownHighWater(world).set(0);
        await world.crash(node);
      },
    }),
  },
);
