// SPDX-License-Identifier: Apache-2.0
import type { DriverConfig } from "./options.ts";
import { decodeReign } from "./records.ts";
import type { Register } from "./register.ts";
import { sleep } from "./sleep.ts";
import type { Sighting } from "./succession.ts";
import type { KeyValue } from "./wire/messages.ts";

/**
 * Watches the beat of whoever reigns, so that a successor knows since when it has been still. An event that comes late
 * only makes the successor wait longer.
 */
export class ReignWatch {
  readonly #register: Register;
  readonly #config: DriverConfig;
  readonly #onNewReign: () => void;
  #sighting: Sighting | undefined;

  constructor(register: Register, config: DriverConfig, onNewReign: () => void) {
    this.#register = register;
    this.#config = config;
    this.#onNewReign = onNewReign;
  }

  get sighting(): Sighting | undefined {
    return this.#sighting;
  }

  /** Runs until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { after, terms } = this.#config;
    const { store, keys } = this.#register;
    while (!signal.aborted) {
      try {
        await this.#register.bind();
        const { kvs, header } = await store.range({ key: keys.reign });
        if (kvs[0] !== undefined) this.#see(kvs[0]);
        await this.#follow(header.revision + 1n, signal);
      } catch {
        // The campaign meets the same trouble, and says so.
      }
      await sleep(after, terms.tenureMs / 20, signal);
    }
  }

  /** Resolves when the watch has ended, or after a while without any event: then a read shows whether it still works. */
  #follow(startRevision: bigint, signal: AbortSignal): Promise<void> {
    const { after, terms } = this.#config;
    const { store, keys } = this.#register;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        watching.stop();
        signal.removeEventListener("abort", end);
        resolve();
      };
      let cancel = after(terms.tenureMs, end);
      const watching = store.watch(
        { key: keys.reign, startRevision, filters: [] },
        {
          onEvent: ({ kv }) => {
            cancel();
            cancel = after(terms.tenureMs, end);
            this.#see(kv);
          },
          onEnd: end,
        },
      );
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
    });
  }

  #see({ value, modRevision }: KeyValue): void {
    if (this.#sighting?.modRevision === modRevision) return;
    const before = this.#sighting?.epoch;
    try {
      const { epoch } = decodeReign(value);
      this.#sighting = { epoch, modRevision, seenAtNs: this.#config.clock.monotonicNs() };
      if (epoch !== before) this.#onNewReign();
    } catch {
      // Deleted, or not ours: then there is nothing to count from.
      this.#sighting = undefined;
    }
  }
}
