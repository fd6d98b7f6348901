// SPDX-License-Identifier: Apache-2.0
import { hold } from "../violation.ts";

/** Invariant 1 (Election Safety; MoreThanOneLeaderInv): at most one leader per term, ever. */
export class OneLeaderPerTerm {
  readonly #leaderOf = new Map<number, number>();

  /** Node `id` acts as leader of `term`. Returns whether that is news. */
  note(term: number, id: number): boolean {
    const known = this.#leaderOf.get(term);
    if (known === id) return false;
    hold(known === undefined, "1", () => `nodes ${known} and ${id} both lead in term ${term}`);
    this.#leaderOf.set(term, id);
    return true;
  }

  leaderOf(term: number): number | undefined {
    return this.#leaderOf.get(term);
  }
}
