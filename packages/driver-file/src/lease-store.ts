// SPDX-License-Identifier: Apache-2.0
import type { LeaseRecord } from "@tsoracle/core";
import { encodeLeases } from "./lease-record.ts";
import { PendingCalls, type WaitOptions } from "./pending-calls.ts";
import type { RecordStore, WriteBatch } from "./record-store.ts";

/** The client leases: what is durable, and who waits to replace it. */
export class FileLeaseStore implements RecordStore {
  readonly file = "leases";
  readonly #pending = new PendingCalls<readonly LeaseRecord[], void>();
  #durable: readonly LeaseRecord[];

  constructor(durable: readonly LeaseRecord[]) {
    this.#durable = durable;
  }

  /** In order of id; never ahead of the medium. */
  get durable(): readonly LeaseRecord[] {
    return this.#durable;
  }

  /** `live` is valid, in order of id, and nobody changes it any more. */
  replace(live: readonly LeaseRecord[], options: WaitOptions): Promise<void> {
    return this.#pending.submit(live, options);
  }

  /** Each call replaces the whole set, so that of those who wait together only the last leaves a trace. */
  take(): WriteBatch | undefined {
    const calls = this.#pending.take();
    const last = calls.at(-1);
    if (last === undefined) return undefined;
    return {
      bytes: encodeLeases(last.ask),
      committed: () => {
        this.#durable = last.ask;
        for (const call of calls) call.resolve();
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
