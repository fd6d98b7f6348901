// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const secondDisposalThrows: Mutant = mutant(
  "second-disposal-throws",
  "Disposing twice is an error.",
  ["lifecycle.dispose-idempotent"],
  {
    wrap: (driver) => {
      let disposed = false;
      return altered(driver, {
        [Symbol.asyncDispose]: async () => {
          if (disposed) throw new Error("disposed already");
          disposed = true;
          await driver[Symbol.asyncDispose]();
        },
      });
    },
  },
);
