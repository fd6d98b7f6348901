// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError, type JournalFence, type JournalState } from "@tsoracle/consensus";
import type { OwnershipFence } from "@tsoracle/fencing";
import type { SessionEvent } from "./session-event.ts";
import { SessionManagerError } from "./session-manager-error.ts";
import { pause, type RepeatTerms, storeTrouble } from "./store-trouble.ts";

/** A write that may be repeated: it happens at most once, however often it is sent. */
export interface Step {
  readonly seq: number;
  send(): Promise<void>;
  /** Whether what the store holds shows that it happened. */
  isIn(state: JournalState): boolean;
  /** What follows in memory; called once, when it is certain that the write happened. */
  install(): void;
}

type Outcome =
  | { readonly kind: "written" }
  | { readonly kind: "refused"; readonly error: unknown }
  | { readonly kind: "unknown"; readonly error: unknown }
  | { readonly kind: "lost"; readonly reason: SessionManagerError; readonly written: false | undefined };

export interface ReignTerms extends RepeatTerms {
  readonly journal: FencedJournal;
}

/** Tells events without their common parts. */
export type Tell = (
  event: SessionEvent extends infer Each ? (Each extends SessionEvent ? Omit<Each, "sessionId"> : never) : never,
) => void;

/**
 * The time during which this process owns a session: what may be written under its fence, one write at a time, until the
 * session is lost or let go. It owns the doubt about a write whose outcome is unknown: nothing else is written before
 * that is settled, so the journal never holds more than one entry that nobody acknowledged.
 */
export class Reign {
  readonly id: string;
  readonly fence: OwnershipFence;
  /** What the store sees of it: a token may be a secret, and stays here. */
  readonly claim: JournalFence;
  readonly #terms: ReignTerms;
  readonly #tell: Tell;
  readonly #lost = new AbortController();
  #doubt: Step | undefined;

  constructor(id: string, fence: OwnershipFence, terms: ReignTerms, tell: Tell) {
    this.id = id;
    this.fence = fence;
    this.claim = Object.freeze({ owner: fence.owner, epoch: fence.epoch });
    this.#terms = terms;
    this.#tell = tell;
  }

  get journal(): FencedJournal {
    return this.#terms.journal;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Whether the outcome of a write is unknown. */
  get inDoubt(): boolean {
    return this.#doubt !== undefined;
  }

  /** The end. Only the first reason counts. */
  end(reason: SessionManagerError): void {
    if (this.signal.aborted) return;
    this.#lost.abort(reason);
    const alarm = reason.code === "split_brain" || reason.code === "out_of_step" || reason.code === "store_failed";
    this.#tell({ kind: "dropped", alarm, error: reason });
  }

  /**
   * Carries a step out, and installs it.
   *
   * @throws JournalError, if nothing was written; SessionManagerError `uncertain`, or the reason for which the reign is over.
   */
  async write(step: Step): Promise<void> {
    const outcome = await this.#try(step);
    switch (outcome.kind) {
      case "written":
        step.install();
        return;
      case "refused":
        throw outcome.error;
      case "lost":
        this.end(outcome.reason);
        throw outcome.written === false ? outcome.reason : this.#uncertain(step, outcome.reason);
      case "unknown":
        break;
      default:
        return outcome satisfies never;
    }
    this.#doubt = step;
    this.#tell({ kind: "uncertain", alarm: false, seq: step.seq });
    const { settleAttempts, settlePauseMs } = this.#terms.limits;
    const cause = (await this.#settle(settleAttempts, settlePauseMs)) ?? outcome.error;
    if (this.#doubt !== undefined || this.signal.aborted) throw this.#uncertain(step, cause);
  }

  /**
   * Asks once more about the write in doubt, if there is one, so that the next may follow.
   *
   * @throws SessionManagerError `in_doubt`, or the reason for which the reign is over.
   */
  async settle(): Promise<"nothing" | "written"> {
    this.signal.throwIfAborted();
    const doubt = this.#doubt;
    if (doubt === undefined) return "nothing";
    const cause = await this.#settle(1, 0);
    this.signal.throwIfAborted();
    if (this.#doubt === undefined) return "written";
    const message = `write ${doubt.seq} of session ${JSON.stringify(this.id)} is still uncertain; nothing else was written`;
    throw new SessionManagerError("in_doubt", message, { cause, seq: doubt.seq });
  }

  /** A call that adds nothing to the journal's entries. @throws JournalError, or the reason for which the reign is over. */
  async ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const trouble = storeTrouble(this.id, error);
      if (trouble.kind === "conflict") this.end(this.#outOfStep(trouble.error));
      if (trouble.kind === "lost") this.end(trouble.reason);
      this.signal.throwIfAborted();
      throw trouble.kind === "lost" ? trouble.reason : trouble.error;
    }
  }

  /** Sends the write in doubt again, so often at most; resolves to why it is still in doubt. */
  async #settle(attempts: number, pauseMs: number): Promise<unknown> {
    const step = this.#doubt;
    if (step === undefined) return undefined;
    let cause: unknown;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      if (pauseMs > 0) await pause(this.#terms.timers, pauseMs, this.signal);
      if (this.signal.aborted) return this.signal.reason;
      const outcome = await this.#try(step);
      if (outcome.kind === "written") {
        this.#doubt = undefined;
        step.install();
        this.#tell({ kind: "settled", alarm: false, seq: step.seq, attempts: attempt });
        return undefined;
      }
      if (outcome.kind === "lost") {
        this.end(outcome.reason);
        return outcome.reason;
      }
      cause = outcome.error;
    }
    return cause;
  }

  async #try(step: Step): Promise<Outcome> {
    try {
      await step.send();
      return { kind: "written" };
    } catch (error) {
      const trouble = storeTrouble(this.id, error);
      return trouble.kind === "conflict" ? await this.#look(step, trouble.error) : trouble;
    }
  }

  /** The number is taken: by this write, whose earlier answer was lost, or by one that should not be there. */
  async #look(step: Step, conflict: unknown): Promise<Outcome> {
    try {
      const state = await this.journal.load(this.id);
      if (step.isIn(state)) return { kind: "written" };
      // The write may have happened all the same, if a successor has put it into a snapshot meanwhile.
      const overtaken = state.fence.epoch !== this.claim.epoch;
      // Only what was sent before explains a conflict; otherwise the store should have refused the fence.
      if (overtaken && this.#doubt === step) return this.#overtaken(state.fence);
      return { kind: "lost", reason: this.#outOfStep(conflict), written: overtaken ? undefined : false };
    } catch (error) {
      const trouble = storeTrouble(this.id, error);
      return trouble.kind === "lost" ? { ...trouble, written: undefined } : { kind: "unknown", error };
    }
  }

  #overtaken(current: JournalFence): Outcome {
    const message = `owner ${JSON.stringify(current.owner)} holds epoch ${current.epoch}`;
    const cause = new JournalError("fenced", message, { current });
    const what = `session ${JSON.stringify(this.id)} was taken over: ${cause.message}`;
    return { kind: "lost", reason: new SessionManagerError("fenced", what, { cause, current }), written: undefined };
  }

  #outOfStep(cause: unknown): SessionManagerError {
    const message = `the journal of session ${JSON.stringify(this.id)} holds what this owner did not write; do two processes have the node name ${JSON.stringify(this.fence.owner)}?`;
    return new SessionManagerError("out_of_step", message, { cause });
  }

  #uncertain(step: Step, cause: unknown): SessionManagerError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `write ${step.seq} of session ${JSON.stringify(this.id)} may have happened or not: ${why}`;
    return new SessionManagerError("uncertain", message, { cause, seq: step.seq });
  }
}
