// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { altered, type Mutant, mutant, ownHighWater } from "./mutant.ts";

export const writeBehind: Mutant = mutant(
  "write-behind",
  "An advance is acknowledged one turn before it is durable.",
  ["durable.crash", "durable.unresolved", "history.model"],
  {
    wrap: (driver, { world }) => {
      const durable = ownHighWater(world);
      const newest = (): number => Math.max(durable.get(), (world.memory.get("buffered") ?? 0) as number);
      return altered(driver, {
        loadHighWater: async (options) => {
          await driver.loadHighWater(options);
          return physicalMs(newest());
        },
        persistHighWater: async (atLeast, epoch, options) => {
          await driver.persistHighWater(atLeast, epoch, options);
          world.memory.set("buffered", Math.max(newest(), atLeast));
          setImmediate(() => durable.set(newest()));
          return physicalMs(newest());
        },
      });
    },
    faults: (world) => ({
      crash: async (node) => {
        world.memory.delete("buffered");
        await world.crash(node);
      },
    }),
  },
);
