// SPDX-License-Identifier: Apache-2.0
import type { Shadow } from "../shadow.ts";
import { hold } from "../violation.ts";
import type { Committed } from "./committed.ts";

/** LogInv and invariant 6: what two nodes call committed at an index is the same entry, hence what they apply. */
export function committedEntriesAgree(shadow: Shadow, from: number, to: number, committed: Committed): void {
  for (let index = from; index <= to && index <= committed.lastIndex; index++) {
    const own = shadow.termAt(index);
    const known = committed.termAt(index);
    // Below its base a node has a snapshot, which is compared by content where it is taken and installed.
    if (own === undefined || index < shadow.base || known === undefined) continue;
    hold(
      own === known,
      "6",
      () => `node ${shadow.nodeId} commits entry ${index} of term ${own}, elsewhere it is of term ${known}`,
    );
  }
}

/** Follows how far a log equals the committed entries; they only grow, so this only goes on from where it was. */
export function extendAgreement(shadow: Shadow, committed: Committed): void {
  const end = Math.min(shadow.lastIndex, committed.lastIndex);
  while (shadow.agreed < end && shadow.termAt(shadow.agreed + 1) === committed.termAt(shadow.agreed + 1))
    shadow.agreed += 1;
}
