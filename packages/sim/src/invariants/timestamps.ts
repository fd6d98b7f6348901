// SPDX-License-Identifier: Apache-2.0
import { hold } from "../violation.ts";

/** Invariant 15: no timestamp twice, and one that was asked for after another was given is larger. */
export class Timestamps {
  readonly #given = new Set<number>();
  /** The largest that was given up to now. */
  newest = -1;

  /** `first` and following, as whole numbers; `newestAtCall` is what `newest` was when they were asked for. */
  given(epoch: number, first: number, count: number, newestAtCall: number): void {
    hold(
      first > newestAtCall,
      "15",
      () => `epoch ${epoch} gives ${first}, ${newestAtCall} was given before it was asked for`,
    );
    for (let value = first; value < first + count; value++) {
      hold(!this.#given.has(value), "15", () => `epoch ${epoch} gives ${value}, which was given before`);
      this.#given.add(value);
    }
    this.newest = Math.max(this.newest, first + count - 1);
  }
}
