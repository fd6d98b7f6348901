// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const answersAfterDisposal: Mutant = mutant(
  "answers-after-disposal",
  "A load is answered from memory after disposal.",
  ["lifecycle.closed"],
  {
    wrap: (driver, { world }) => {
      let disposed = false;
      return altered(driver, {
        loadHighWater: async (options) => (disposed ? world.store.highWater : await driver.loadHighWater(options)),
        [Symbol.asyncDispose]: async () => {
          disposed = true;
          await driver[Symbol.asyncDispose]();
        },
      });
    },
  },
);
