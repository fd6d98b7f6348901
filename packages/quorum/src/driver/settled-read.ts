// SPDX-License-Identifier: Apache-2.0
import { quorumIndex } from "../quorum-index.ts";

/**
 * The high-water that a read of some of n members proves: what W of them hold, if no unheard member could make it
 * larger; `undefined` while it could. It covers every write that was acknowledged before the read began, and no later
 * read returns less. The largest answer alone would promise less: what a dead leader wrote to a minority may be
 * missing from the next read.
 */
export function settledRead(heard: readonly number[], n: number, w: number): number | undefined {
  const unheard = n - heard.length;
  if (heard.length < w) return undefined;
  const held = quorumIndex(heard, w);
  // With as many unheard as it takes, they alone could hold anything.
  if (unheard >= w) return undefined;
  return quorumIndex(heard, w - unheard) === held ? held : undefined;
}
