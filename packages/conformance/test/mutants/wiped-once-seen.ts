// SPDX-License-Identifier: Apache-2.0
import { replicatedVariant } from "../replicated-subject.ts";
import { type Mutant, mutant } from "./mutant.ts";

export const wipedOnceSeen: Mutant = mutant(
  "wiped-once-seen",
  "A store that lost its data is left out once, and has its vote back without having been filled.",
  ["durable.wiped-in-turn"],
  replicatedVariant("wiped-once-seen", {
    readWiped: (register, store) => {
      register.put(store, 0);
      return undefined;
    },
  }),
);
