// SPDX-License-Identifier: Apache-2.0
import { type ClientId, HistoryChecker, type HistoryReport, type OkOutcome } from "@tsoracle/conformance/checker";

/** Consecutive timestamps in a caller's hands. */
export interface Answer {
  /** The packed value of the first. */
  readonly first: bigint;
  readonly count: number;
  readonly epoch: bigint;
}

/**
 * Keeps every call of the demonstration. All instants are milliseconds of one monotonic clock, read in
 * one process, so that "ended before the other began" is a fact and not an estimate.
 */
export class Recorder {
  /** Of the calls that were answered, in the order of their ends. */
  readonly latenciesMs: number[] = [];
  readonly ends: number[] = [];
  readonly #history = new HistoryChecker();
  readonly #errors = new Map<string, number>();
  #issued = 0;
  #first: OkOutcome | undefined;
  #largest = -1n;
  #onAnswer: (() => void)[] = [];

  /** Timestamps in callers' hands. */
  get issued(): number {
    return this.#issued;
  }

  /** The largest timestamp in a caller's hands; -1 before the first. */
  get largest(): bigint {
    return this.#largest;
  }

  /** Calls without an answer, by error code. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  answered(client: ClientId, begin: number, answer: Answer): void {
    const end = performance.now();
    const outcome: OkOutcome = { kind: "ok", ...answer };
    this.#history.add({ client, begin, end, outcome });
    this.#first ??= outcome;
    this.#issued += answer.count;
    const last = answer.first + BigInt(answer.count) - 1n;
    if (last > this.#largest) this.#largest = last;
    this.latenciesMs.push(end - begin);
    this.ends.push(end);
    for (const tell of this.#onAnswer.splice(0)) tell();
  }

  /** Resolves with the next answer that anybody gets. */
  nextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer.push(resolve);
    });
  }

  /** Nobody holds what such a call may have burned, so it cannot be part of a violation. */
  unanswered(client: ClientId, begin: number, code: string): void {
    this.#history.add({ client, begin, end: performance.now(), outcome: { kind: "unknown" } });
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  /**
   * The positive control: one more call, which is said to have got what the very first call had got. A
   * demonstration that does not report it could not have seen a real violation either.
   */
  injectViolation(): void {
    if (this.#first === undefined) return;
    const now = performance.now();
    this.#history.add({ client: "injected", begin: now, end: now, outcome: this.#first });
  }

  /** The verdict over all calls. */
  judge(): HistoryReport {
    return this.#history.finish();
  }
}
