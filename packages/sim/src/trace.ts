// SPDX-License-Identifier: Apache-2.0

/** Events that are shown of a failing case. */
const LAST = 60;
const KEEP = Number(process.env["SIM_KEEP"] ?? 240);

/** A running hash of everything that happened (invariant 17), and, where asked for, the last of it in words. */
export class Trace {
  readonly #words: string[] | undefined;
  #a = 0x811c_9dc5;
  #b = 0x1234_5678;
  steps = 0;

  constructor(recording: boolean) {
    this.#words = recording ? [] : undefined;
  }

  get recording(): boolean {
    return this.#words !== undefined;
  }

  get hash(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  get last(): readonly string[] {
    return this.#words ?? [];
  }

  add(value: number): void {
    const whole = Math.floor(value * 1_024) | 0;
    this.#a = Math.imul(this.#a ^ whole, 0x0100_0193);
    this.#b = (Math.imul(this.#b, 0x85eb_ca6b) ^ (whole + (this.#b >>> 13))) | 0;
  }

  say(words: () => string): void {
    if (this.#words === undefined) return;
    this.#words.push(words());
    if (this.#words.length > KEEP) this.#words.splice(0, this.#words.length - LAST);
  }
}
