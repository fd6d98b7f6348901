// SPDX-License-Identifier: Apache-2.0
import { MAX_PHYSICAL_MS, physicalMs } from "@tsoracle/core";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const noRangeGuard: Mutant = mutant(
  "no-range-guard",
  "A high-water beyond 46 bits is cut down to 46 bits and stored.",
  ["advance.range"],
  {
    wrap: (driver) =>
      altered(driver, {
        persistHighWater: (atLeast, epoch, options) =>
          driver.persistHighWater(physicalMs(Math.min(atLeast, MAX_PHYSICAL_MS)), epoch, options),
      }),
  },
);
