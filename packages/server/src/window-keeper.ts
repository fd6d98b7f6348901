// SPDX-License-Identifier: Apache-2.0
import type { Clock } from "@tsoracle/core";
import type { Extension } from "./extension.ts";
import type { ServingCore } from "./serving-core.ts";
import type { Timers } from "./timers.ts";

/** Looks this many times per window, so that an extension starts soon after half of it is used up. */
const LOOKS_PER_WINDOW = 8;

/**
 * Keeps the window open while nobody asks for timestamps: time alone uses it up, and the first
 * request after a quiet hour must not wait for the store.
 */
export class WindowKeeper {
  readonly #core: ServingCore;
  readonly #extension: Extension;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #intervalMs: number;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(core: ServingCore, extension: Extension, clock: Clock, timers: Timers, windowAheadMs: number) {
    this.#core = core;
    this.#extension = extension;
    this.#clock = clock;
    this.#timers = timers;
    this.#intervalMs = Math.max(1, Math.floor(windowAheadMs / LOOKS_PER_WINDOW));
  }

  start(): void {
    if (this.#stopped || this.#cancel !== undefined) return;
    this.#cancel = this.#timers.after(this.#intervalMs, () => {
      this.#cancel = undefined;
      const { reign } = this.#core;
      if (reign !== undefined) this.#extension.inBackground(reign, this.#clock.nowMs());
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }
}
