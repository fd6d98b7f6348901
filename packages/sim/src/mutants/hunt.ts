// SPDX-License-Identifier: Apache-2.0
import { type Profile, planCase } from "../plan.ts";
import { runCase } from "../run-case.ts";
import type { Subject } from "../subject.ts";
import { withMutant } from "./load.ts";
import type { Mutant } from "./mutant.ts";

/** How a mutant was found out. */
export interface Catch {
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
}

/** Plays cases of the mutant until one breaks an invariant; undefined if none of `cases` does. */
export async function hunt(mutant: Mutant, firstSeed: number, cases: number): Promise<Catch | undefined> {
  return withMutant(mutant, (subject) => huntIn(subject, mutant.profile, firstSeed, cases));
}

function huntIn(subject: Subject, profile: Profile | undefined, firstSeed: number, cases: number): Catch | undefined {
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
    const plan = planCase(seed, { profile });
    const { violation, hash } = runCase(subject, plan);
    if (violation !== undefined) return { seed, ...violation };
    // Only every tenth, since it costs as much as the case itself.
    if (seed % 10 === 0 && runCase(subject, plan).hash !== hash) {
      return { seed, invariant: "17", message: "the same seed gave another trace" };
    }
  }
  return undefined;
}
