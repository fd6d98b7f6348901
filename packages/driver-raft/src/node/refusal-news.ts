// SPDX-License-Identifier: Apache-2.0

const AGAIN_AFTER_TICKS = 600;
/** Far more than a cluster has to say. */
const MOST = 256;

/** Which refusals are worth a line in the log: peers try again several times a second, for as long as they live. */
export class RefusalNews {
  readonly #toldAt = new Map<string, number>();
  #ticks = 0;

  tick(): void {
    this.#ticks += 1;
  }

  /** Whether this was not said within the last minute or so; it is said now. */
  isNews(what: string): boolean {
    const at = this.#toldAt.get(what);
    if (at !== undefined && this.#ticks - at < AGAIN_AFTER_TICKS) return false;
    if (this.#toldAt.size >= MOST) this.#toldAt.clear();
    this.#toldAt.set(what, this.#ticks);
    return true;
  }
}
