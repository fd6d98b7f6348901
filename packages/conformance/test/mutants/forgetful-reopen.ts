// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const forgetfulReopen: Mutant = mutant(
  "forgetful-reopen",
  "The history ends when its last node closes in good order.",
  ["harness.reopen", "advance.stale"],
  {
    wrap: (driver, { world }) =>
      altered(driver, {
        [Symbol.asyncDispose]: async () => {
          await driver[Symbol.asyncDispose]();
          if (world.store.leader === undefined) world.store = world.makeStore();
        },
      }),
  },
);
