// SPDX-License-Identifier: Apache-2.0
import { replicatedVariant } from "../replicated-subject.ts";
import { type Mutant, mutant } from "./mutant.ts";

export const wipedVoter: Mutant = mutant(
  "wiped-voter",
  "A store that lost its data votes as one that never had any.",
  ["durable.wiped", "durable.wiped-in-turn"],
  replicatedVariant("wiped-voter", { readWiped: () => 0 }),
);
