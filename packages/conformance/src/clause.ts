// SPDX-License-Identifier: Apache-2.0
import type { ClauseGroup, ClauseId } from "./clause-id.ts";
import type { FaultName, Subject } from "./subject.ts";
import type { Trial } from "./trial.ts";

/** One testable sentence of the contract. Data: what runs it is elsewhere. */
export interface Clause<Needs extends FaultName = FaultName, Uses extends FaultName = FaultName> {
  /** What holds, in one sentence. */
  readonly sentence: string;
  /** Faults without which the clause cannot be exercised. Its body can call no others. */
  readonly needs: readonly Needs[];
  /** Faults that the body uses where the harness has them. */
  readonly uses?: readonly Uses[];
  /** Fewest nodes of a universe. @defaultValue 1 */
  readonly nodes?: number;
  /** How many seeds it is tried with. @defaultValue 1 */
  readonly runs?: number;
  /** Why the clause says nothing about this subject; undefined if it applies. */
  readonly inapplicable?: (subject: Subject) => string | undefined;
  /** Rejects with an `AssertionError` exactly if the driver breaks the clause. */
  readonly body: (trial: Trial<Needs, Uses>) => Promise<void>;
}

/** All clauses of one group, none forgotten and none invented. */
export type ClausesOf<Group extends ClauseGroup> = {
  readonly [Id in Extract<ClauseId, `${Group}.${string}`>]: Clause;
};

/** Checks that a body calls only faults that its clause declares. */
export function clause<const Needs extends FaultName = never, const Uses extends FaultName = never>(
  definition: Clause<Needs, Uses>,
): Clause {
  return definition as Clause;
}
