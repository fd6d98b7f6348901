// SPDX-License-Identifier: Apache-2.0

/** An invariant does not hold. `invariant` is the number or name in `raft.md` 11.6, or "panic" or "liveness". */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`invariant ${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** Throws unless the condition holds. */
export function hold(condition: boolean, invariant: string, message: () => string): asserts condition {
  if (!condition) throw new Violation(invariant, message());
}
