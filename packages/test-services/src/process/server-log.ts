// SPDX-License-Identifier: Apache-2.0

const KEPT_CHARACTERS = 256 * 1024;

/** The last 256 Ki characters that a server printed, over all its restarts. */
export class ServerLog {
  #text = "";

  append(text: string): void {
    this.#text = (this.#text + text).slice(-KEPT_CHARACTERS);
  }

  toString(): string {
    return this.#text;
  }
}
