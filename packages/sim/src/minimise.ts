// SPDX-License-Identifier: Apache-2.0
import { type CaseOptions, type CasePlan, planCase } from "./plan.ts";
import { runCase } from "./run-case.ts";
import type { Subject } from "./subject.ts";

const MOST_TRIES = 60;

/** The same violation with fewer faults and a shorter first phase, as far as leaving one thing out at a time gets. */
export function minimise(subject: Subject, seed: number, invariant: string, options: CaseOptions): CasePlan {
  let best = planCase(seed, options);
  let tries = 0;
  const stillFails = (candidate: CasePlan): boolean => {
    tries += 1;
    return tries <= MOST_TRIES && runCase(subject, candidate).violation?.invariant === invariant;
  };
  for (let reduced = true; reduced && tries < MOST_TRIES; ) {
    reduced = false;
    for (const { number } of best.faults) {
      const keep = best.faults.map((fault) => fault.number).filter((other) => other !== number);
      const candidate = planCase(seed, { ...options, keep, safetyMs: best.safetyMs });
      if (!stillFails(candidate)) continue;
      best = candidate;
      reduced = true;
      break;
    }
  }
  for (const share of [0.25, 0.5, 0.75]) {
    const keep = best.faults.map((fault) => fault.number);
    const candidate = planCase(seed, { ...options, keep, safetyMs: Math.floor(best.safetyMs * share) });
    if (stillFails(candidate)) return candidate;
  }
  return best;
}
