// SPDX-License-Identifier: Apache-2.0
import { isTemporary } from "../../src/probes.ts";
import { confirmingVariant } from "../confirming-subject.ts";
import { type Mutant, mutant } from "./mutant.ts";

export const silenceIsConsent: Mutant = mutant(
  "silence-is-consent",
  "A confirmation to which the store gives no answer counts as one.",
  ["confirm.deposed", "confirm.cut-off"],
  confirmingVariant("silence-is-consent", (ask) => async (options) => {
    try {
      return await ask(options);
    } catch (error) {
      return isTemporary(error);
    }
  }),
);
