// SPDX-License-Identifier: Apache-2.0
import type { PhysicalMs } from "@tsoracle/core";
import { PendingCalls, type WaitOptions } from "./pending-calls.ts";
import type { RecordStore, WriteBatch } from "./record-store.ts";
import { encodeState } from "./state-record.ts";

/** The high-water: what is durable, and who waits for more. */
export class HighWaterStore implements RecordStore {
  readonly file = "state";
  readonly #pending = new PendingCalls<PhysicalMs, PhysicalMs>();
  #durable: PhysicalMs;

  constructor(durable: PhysicalMs) {
    this.#durable = durable;
  }

  /** Never ahead of the medium: a write under way does not show. */
  get durable(): PhysicalMs {
    return this.#durable;
  }

  raise(atLeast: PhysicalMs, options: WaitOptions): Promise<PhysicalMs> {
    return this.#pending.submit(atLeast, options);
  }

  /** One write of the largest value serves all who wait; it is above what is durable, or it is not made. */
  take(): WriteBatch | undefined {
    const calls = this.#pending.take();
    let target = this.#durable;
    for (const { ask } of calls) if (ask > target) target = ask;
    const answer = (): void => {
      for (const call of calls) call.resolve(this.#durable);
    };
    if (target === this.#durable) {
      answer();
      return undefined;
    }
    return {
      bytes: encodeState(target),
      committed: () => {
        this.#durable = target;
        answer();
      },
      failed: (error) => {
        for (const call of calls) call.reject(error);
      },
    };
  }

  rejectAll(error: unknown): void {
    this.#pending.rejectAll(error);
  }
}
