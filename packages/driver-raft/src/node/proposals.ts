// SPDX-License-Identifier: Apache-2.0
import type { Outcome } from "./machine/command.ts";
import type { Answer, Refusal } from "./replica-host.ts";

/** A proposal that stands in the log and is not applied yet. */
interface Pending {
  readonly term: number;
  readonly ids: readonly number[];
}

/** Most proposals under way at once; the window of the oracle needs one. */
export const MAX_PROPOSALS = 1_024;

/**
 * The requests whose entries are in the log. An entry is known by (term, index), so that whoever applies
 * that index learns whether it was this one or another that took its place.
 */
export class Proposals {
  readonly #byIndex = new Map<number, Pending>();
  readonly #answered: (id: number, answer: Answer) => void;

  constructor(answered: (id: number, answer: Answer) => void) {
    this.#answered = answered;
  }

  get full(): boolean {
    return this.#byIndex.size >= MAX_PROPOSALS;
  }

  /** The entry of these requests is at `index` of the log, in `term`. */
  appended(index: number, term: number, ids: readonly number[]): void {
    // An index that is proposed twice was cut off in between: the earlier entry is gone from this log, not from others'.
    this.#settle(index, uncertain("another entry took its place in the leader's own log"));
    this.#byIndex.set(index, { term, ids });
  }

  /** The entry at `index` was applied. Returns whether requests were waiting for it. */
  applied(index: number, term: number, outcome: Outcome | Refusal): boolean {
    const pending = this.#byIndex.get(index);
    if (pending === undefined) return false;
    this.#byIndex.delete(index);
    const answer = pending.term === term ? answerOf(outcome) : replaced(pending.term, term);
    for (const id of pending.ids) this.#answered(id, answer);
    return true;
  }

  /** A snapshot took the place of the log up to `index`. */
  skipped(index: number): void {
    for (const at of this.#byIndex.keys()) {
      if (at <= index) this.#settle(at, uncertain("a snapshot took the place of the log"));
    }
  }

  /** The reign is over; whatever is in the log may still be committed by another leader. */
  reignOver(): void {
    for (const index of [...this.#byIndex.keys()]) this.#settle(index, uncertain("leadership was lost meanwhile"));
  }

  #settle(index: number, answer: Answer): void {
    const pending = this.#byIndex.get(index);
    this.#byIndex.delete(index);
    for (const id of pending?.ids ?? []) this.#answered(id, answer);
  }
}

function answerOf(outcome: Outcome | Refusal): Answer {
  return "code" in outcome && !("kind" in outcome)
    ? { ok: false, refusal: outcome }
    : { ok: true, outcome: outcome as Outcome };
}

function uncertain(why: string): Answer {
  return { ok: false, refusal: { code: "uncertain", message: `it may or may not take effect: ${why}` } };
}

function replaced(term: number, by: number): Answer {
  return {
    ok: false,
    refusal: { code: "not_leader", message: `an entry of term ${by} took the place of the one of term ${term}` },
  };
}
