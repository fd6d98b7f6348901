// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";

export interface JournalCall {
  readonly method: "append" | "putSnapshot" | "truncateThrough" | "takeover";
  readonly seq: number;
  outcome: "under way" | "done" | "refused";
}

/** Writes down what is asked of a journal, and how many appends were ever under way at one time. */
export class RecordingJournal {
  readonly calls: JournalCall[] = [];
  mostAppends = 0;
  #appends = 0;

  of(method: JournalCall["method"]): readonly JournalCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  around(inner: FencedJournal): FencedJournal {
    return {
      name: inner.name,
      limits: inner.limits,
      load: (id, options) => inner.load(id, options),
      createIfAbsent: (id, fence, options) => inner.createIfAbsent(id, fence, options),
      takeover: (id, fence, options) => this.#note("takeover", 0, () => inner.takeover(id, fence, options)),
      append: async (id, fence, seq, entry, ts, options) => {
        this.#appends += 1;
        this.mostAppends = Math.max(this.mostAppends, this.#appends);
        try {
          await this.#note("append", seq, () => inner.append(id, fence, seq, entry, ts, options));
        } finally {
          this.#appends -= 1;
        }
      },
      putSnapshot: (id, fence, seq, bytes, options) =>
        this.#note("putSnapshot", seq, () => inner.putSnapshot(id, fence, seq, bytes, options)),
      truncateThrough: (id, fence, seq, options) =>
        this.#note("truncateThrough", seq, () => inner.truncateThrough(id, fence, seq, options)),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }

  /** Truncations that no snapshot covered which was durable before they began. */
  uncoveredTruncations(): readonly JournalCall[] {
    return this.calls.filter(
      ({ method, seq }, index) =>
        method === "truncateThrough" &&
        !this.calls.slice(0, index).some((one) => one.method === "putSnapshot" && one.seq >= seq && this.#before(one)),
    );
  }

  readonly #doneBefore = new Set<JournalCall>();
  #before(call: JournalCall): boolean {
    return this.#doneBefore.has(call);
  }

  async #note<T>(method: JournalCall["method"], seq: number, call: () => Promise<T>): Promise<T> {
    const noted: JournalCall = { method, seq, outcome: "under way" };
    this.calls.push(noted);
    if (method === "truncateThrough") {
      for (const one of this.calls) if (one.outcome === "done") this.#doneBefore.add(one);
    }
    try {
      const answer = await call();
      noted.outcome = "done";
      return answer;
    } catch (error) {
      noted.outcome = "refused";
      throw error;
    }
  }
}
