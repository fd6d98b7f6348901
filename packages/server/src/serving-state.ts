// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PeerEndpoint } from "@tsoracle/core";

/** What a server shows the world. It starts as not serving, with nothing known of a leader. */
export type ServingState =
  | { readonly kind: "serving"; readonly epoch: Epoch }
  | {
      readonly kind: "not_serving";
      /** Where clients reach the leader, if known. */
      readonly leaderEndpoint?: PeerEndpoint | undefined;
      readonly leaderEpoch?: Epoch | undefined;
    };

/** Not serving, and nothing is known of a leader. */
export const NOBODY_SERVES: ServingState = Object.freeze({ kind: "not_serving" });

/**
 * The published state: a latest-value cell. A change is kept whether or not somebody is reading; a
 * slow reader sees the newest state and not every step to it.
 */
export class StateCell {
  #current: ServingState = NOBODY_SERVES;
  readonly #listeners = new Set<(state: ServingState) => void>();

  get current(): ServingState {
    return this.#current;
  }

  /** Replaces the state and tells every listener, synchronously and in order of registration. */
  publish(next: ServingState): void {
    this.#current = next;
    for (const listener of [...this.#listeners]) listener(next);
  }

  /** Calls `listener` on every change from now on; returns how to stop it. Listeners must not throw. */
  onChange(listener: (state: ServingState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The current state, then the newest one after each change, until the signal aborts. */
  async *read(signal: AbortSignal): AsyncGenerator<ServingState, void, undefined> {
    let delivered: ServingState | undefined;
    let wake: (() => void) | undefined;
    const stir = (): void => wake?.();
    const stop = this.onChange(stir);
    signal.addEventListener("abort", stir);
    try {
      while (!signal.aborted) {
        if (this.#current !== delivered) {
          delivered = this.#current;
          yield delivered;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    } finally {
      stop();
      signal.removeEventListener("abort", stir);
    }
  }
}
