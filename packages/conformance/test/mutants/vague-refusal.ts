// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { isRefusal } from "../../src/probes.ts";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const vagueRefusal: Mutant = mutant(
  "vague-refusal",
  "A superseded epoch is refused as if the store were busy.",
  ["leadership.resign", "fencing.superseded", "history.model"],
  {
    wrap: (driver) =>
      altered(driver, {
        persistHighWater: async (atLeast, epoch, options) => {
          try {
            return await driver.persistHighWater(atLeast, epoch, options);
          } catch (error) {
            throw isRefusal(error) ? new ConsensusError("transient", "busy") : error;
          }
        },
      }),
  },
);
