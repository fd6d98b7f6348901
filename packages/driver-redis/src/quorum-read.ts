// SPDX-License-Identifier: Apache-2.0
import { majority, quorumIndex } from "@tsoracle/quorum";

/** What a read knows so far. */
export type QuorumRead =
  | { readonly kind: "known"; readonly highWater: number }
  /** Nodes differ in a way that other replies, or a later round, can settle. */
  | { readonly kind: "open" };

/**
 * The high-water that a read of some nodes proves: the one that a majority holds, if no unheard node could make it
 * larger. It covers every persist that was acknowledged before the read began, and every later read returns at least
 * as much. The maximum alone would promise less: a value that a dead leader wrote to a minority can vanish from the
 * next read.
 *
 * @param heard the high-waters of the nodes that answered
 * @param n how many nodes there are
 */
export function quorumRead(heard: readonly number[], n: number): QuorumRead {
  const needed = majority(n);
  if (heard.length < needed) return { kind: "open" };
  const held = quorumIndex(heard, needed);
  const possible = quorumIndex(heard, needed - (n - heard.length));
  return held === possible ? { kind: "known", highWater: held } : { kind: "open" };
}
