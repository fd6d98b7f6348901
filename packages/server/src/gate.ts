// SPDX-License-Identifier: Apache-2.0
import { invariant } from "@tsoracle/core";

/**
 * Keeps driver calls of one reign apart from the start of the next. Calls enter and leave; a fence
 * closes the gate and waits until everybody has left. Entering never waits: while the gate is
 * closed nobody serves, so there is nothing to wait for.
 */
export class Gate {
  #inside = 0;
  #closed = false;
  #emptied: (() => void)[] = [];

  /** How many have entered and not yet left. */
  get inside(): number {
    return this.#inside;
  }

  /** Whether one may go in now; if so, the caller must call {@link Gate.leave} once. */
  enter(): boolean {
    if (this.#closed) return false;
    this.#inside += 1;
    return true;
  }

  leave(): void {
    invariant(this.#inside > 0, "only who entered a gate leaves it");
    this.#inside -= 1;
    if (this.#inside > 0) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** Lets nobody in any more; resolves when everybody has left. */
  close(): Promise<void> {
    this.#closed = true;
    return this.settled();
  }

  open(): void {
    this.#closed = false;
  }

  /** Resolves when nobody is inside. */
  settled(): Promise<void> {
    if (this.#inside === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied.push(resolve);
    });
  }
}

/** One at a time, in order of asking. */
export class Slot {
  #taken = false;
  readonly #waiting: (() => void)[] = [];

  /** Whether somebody has it. */
  get taken(): boolean {
    return this.#taken;
  }

  /** Runs `work` alone. The slot is held until what `work` returns has settled, whoever is waiting for it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#taken = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The slot passes on without being free in between, so that nobody overtakes.
      if (next === undefined) this.#taken = false;
      else next();
    }
  }
}
