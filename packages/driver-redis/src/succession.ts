// SPDX-License-Identifier: Apache-2.0
import { type TenureTerms, WaitOut } from "@tsoracle/consensus";
import { majority } from "@tsoracle/quorum";
import { type Ballot, NO_BALLOT } from "./ballot.ts";
import { type Elector, previousPromise } from "./election.ts";
import type { PairWatch } from "./pair-watch.ts";

/** A reign of this process that has stopped granting, and what it had to wait for. */
export interface OwnReign {
  readonly epoch: Ballot;
  readonly waitOut: WaitOut;
}

export interface SuccessionTerms {
  readonly terms: TenureTerms;
  /** How many nodes there are. */
  readonly n: number;
  /** The last reign of this process, if it had one. */
  readonly own: OwnReign | undefined;
  /** What this process has seen of each node, for how long. */
  readonly watch: PairWatch;
  /** Whether a beat that was acknowledged survives a crash of its node. */
  readonly durableBeats: boolean;
  readonly nowNs: bigint;
}

/**
 * How long the elected must wait until the tenure before it has ended by any clock (`postgres-redis.md` 2.3, 4.5).
 * No clock of a node enters.
 */
export function waitAfter(electors: readonly Elector[], succession: SuccessionTerms): WaitOut {
  const { terms, n, own, nowNs } = succession;
  const needed = majority(n);
  if (electors.length < needed) throw new RangeError(`${electors.length} electors are no majority of ${n}`);
  // A promise that had been given before hides the state it was given in.
  const isKnown = electors.every(({ before }) => !before.duplicate);
  if (isKnown) {
    const previous = previousPromise(electors);
    if (previous === NO_BALLOT) return WaitOut.none(nowNs);
    if (electors.some(({ before }) => before.released === previous)) return WaitOut.none(nowNs);
    if (own !== undefined) {
      const ownPromises = electors.filter(({ before }) => before.promised === own.epoch).length;
      if (previous === own.epoch || ownPromises >= needed) return own.waitOut.inherited(nowNs);
    }
  }
  return WaitOut.after(baseNs(electors, succession, needed), terms);
}

/**
 * When the last renewal of the previous reign had certainly been processed: for each node the arrival of the reply that
 * first showed the state PREPARE then found, and of these the M-th smallest, since every renewal met that majority.
 */
function baseNs(electors: readonly Elector[], { watch, durableBeats }: SuccessionTerms, needed: number): bigint {
  const seen = electors.map(({ member, before, arrivedNs }) => {
    if (before.duplicate || !durableBeats) return arrivedNs;
    return watch.seenSince(member, before.promised, before.beat) ?? arrivedNs;
  });
  seen.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return seen[needed - 1] as bigint;
}
