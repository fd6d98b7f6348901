// SPDX-License-Identifier: Apache-2.0
import { Code, RpcError } from "./status.ts";

/** Bounds how many calls are under way at one time; those beyond are refused and not queued. */
export class Admission {
  readonly #max: number;
  readonly #what: string;
  #inside = 0;

  constructor(max: number, what: string) {
    this.#max = max;
    this.#what = what;
  }

  get inside(): number {
    return this.#inside;
  }

  /** @throws RpcError RESOURCE_EXHAUSTED when full; whatever `work` throws. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#max) {
      throw new RpcError(Code.RESOURCE_EXHAUSTED, `${this.#max} ${this.#what} are under way already; try again later`);
    }
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
    }
  }
}
