// SPDX-License-Identifier: Apache-2.0

import { encodeField } from "../encode-field.ts";

/** What one evaluation of a scenario says: whether all its facts hold, and a text that is the same whenever they are. */
export interface ScenarioResult {
  readonly passed: boolean;
  readonly signature: string;
}

/** One thing that a scenario looks at: what it saw, and whether that is right. */
export interface ScenarioFact {
  readonly seen: string;
  readonly holds: boolean;
}

/** A result of facts. A scenario that looked at nothing has shown nothing, and does not pass. */
export function scenarioResult(facts: readonly ScenarioFact[]): ScenarioResult {
  return Object.freeze({
    passed: facts.length > 0 && facts.every(({ holds }) => holds),
    signature: facts.map(({ seen }) => encodeField(seen)).join(","),
  });
}

/** Whether two evaluations of one scenario say the same, in both respects. Source: `fencing-quorum-sessions.md` 4.8. */
export function isDeterministic(first: ScenarioResult, second: ScenarioResult): boolean {
  return first.passed === second.passed && first.signature === second.signature;
}
