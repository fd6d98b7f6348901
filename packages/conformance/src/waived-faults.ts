// SPDX-License-Identifier: Apache-2.0
import type { FaultName, Subject } from "./subject.ts";

/**
 * A waiver is for what the harness cannot do: a universe that has the fault exercises its clauses. Looks at one
 * universe, and at none if nothing is waived.
 *
 * @throws TypeError that names the fault which is waived and there.
 */
export async function demandMissingFaults(subject: Subject, seed: number): Promise<void> {
  const waivers = Object.entries(subject.waivers ?? {});
  if (waivers.length === 0) return;
  const universe = await subject.provision(seed);
  try {
    for (const [name, reason] of waivers) {
      if (universe.faults[name as FaultName] === undefined) continue;
      throw new TypeError(
        `subject ${subject.name}: the universe has the fault "${name}", which is waived: ${reason}; offer it in faults, or take it away`,
      );
    }
  } finally {
    await universe[Symbol.asyncDispose]();
  }
}
