// SPDX-License-Identifier: Apache-2.0

/** A broken invariant: a defect in this program, never a condition that a caller can cause or handle. */
export class InvariantViolation extends Error {
  override readonly name = "InvariantViolation";
}

/**
 * Stops the operation when a fact that must hold does not. It is on in production: a wrong
 * timestamp is worse than no timestamp.
 *
 * @throws InvariantViolation when `condition` is false; `fact` states what should have held.
 */
export function invariant(condition: boolean, fact: string): asserts condition {
  if (!condition) throw new InvariantViolation(`invariant violated: ${fact}`);
}
