// SPDX-License-Identifier: Apache-2.0
import type { RpcFailure } from "./rpc-failure.ts";
import { connectTimeout } from "./status-failure.ts";
import type { Target } from "./target.ts";

/** Connects; resolves to the failure, or to undefined. */
export type DialOnce = (budgetMs: number) => Promise<RpcFailure | undefined>;

/** Callers share one dial, and each waits no longer than its own budget. A failed dial is not remembered. */
export class SharedDial {
  readonly #target: Target;
  readonly #dialOnce: DialOnce;
  #dialing: Promise<RpcFailure | undefined> | undefined;

  constructor(target: Target, dialOnce: DialOnce) {
    this.#target = target;
    this.#dialOnce = dialOnce;
  }

  /** Never rejects. */
  async run(budgetMs: number): Promise<RpcFailure | undefined> {
    if (this.#dialing === undefined) {
      const dialing = this.#dialOnce(budgetMs).finally(() => {
        if (this.#dialing === dialing) this.#dialing = undefined;
      });
      this.#dialing = dialing;
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<RpcFailure>((resolve) => {
      timer = setTimeout(() => resolve(connectTimeout(this.#target, budgetMs)), budgetMs);
    });
    try {
      return await Promise.race([this.#dialing, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
