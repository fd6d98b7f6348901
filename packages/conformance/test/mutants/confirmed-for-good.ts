// SPDX-License-Identifier: Apache-2.0
import { confirmingVariant } from "../confirming-subject.ts";
import { type Mutant, mutant } from "./mutant.ts";

export const confirmedForGood: Mutant = mutant(
  "confirmed-for-good",
  "A reign that was confirmed once is not asked about again.",
  ["leadership.tenure", "confirm.deposed", "confirm.cut-off"],
  confirmingVariant("confirmed-for-good", (ask) => {
    let wasConfirmed = false;
    return async (options) => {
      wasConfirmed ||= await ask(options);
      return wasConfirmed;
    };
  }),
);
