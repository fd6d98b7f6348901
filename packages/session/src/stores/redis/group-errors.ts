// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import type { Timers } from "@tsoracle/quorum";

/** Until when a call may take. */
export class Deadline {
  readonly #at: number;
  readonly #timers: Timers;

  constructor(timers: Timers, limitMs: number) {
    this.#timers = timers;
    this.#at = timers.monotonicMs() + limitMs;
  }

  /** At least 1, so that the last round of a call still has an end of its own. */
  leftMs(): number {
    return Math.max(1, this.#at - this.#timers.monotonicMs());
  }

  isOver(): boolean {
    return this.#timers.monotonicMs() >= this.#at;
  }
}

/** The call did nothing that could be seen by anybody. */
export function unreachable(what: string, why: string): JournalError {
  return new JournalError("transient", `cannot ${what} on a majority of the Redis nodes: ${why}; nothing was written`);
}

export function uncertainAnswer(why: string, cause: unknown): JournalError {
  return new JournalError(
    "uncertain",
    `this write was ${why}; whether it was written is decided by the next write or takeover of the session`,
    { cause },
  );
}
