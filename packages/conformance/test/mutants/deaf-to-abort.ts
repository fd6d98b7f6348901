// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const deafToAbort: Mutant = mutant(
  "deaf-to-abort",
  "A signal that was aborted before the call is overlooked.",
  ["cancel.before"],
  {
    wrap: (driver) =>
      altered(driver, {
        persistHighWater: (atLeast, epoch, options) =>
          driver.persistHighWater(atLeast, epoch, options?.signal?.aborted === true ? {} : options),
      }),
  },
);
