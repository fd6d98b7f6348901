// SPDX-License-Identifier: Apache-2.0

/** Ticks after which a round that was not answered is begun again: its request or its answer was lost. */
const RETRY_TICKS = 3;

const WORD = 2 ** 32;
const WORD_BYTES = 4;
const CONTEXT_BYTES = 2 * WORD_BYTES;

/** What the rounds need of the core. */
export interface ReadRoundsHost {
  /** Asks the core for a linearizable read under this context. */
  begin(context: Uint8Array): void;
  readable(id: number): void;
}

interface Round {
  /** All of its requests, `first` to `last`, began after everybody in it had asked. */
  readonly first: number;
  last: number;
  readonly ids: readonly number[];
  ageTicks: number;
}

/** A round whose read may be answered once `index` is applied. */
interface Confirmed {
  readonly index: number;
  readonly ids: readonly number[];
}

/**
 * Linearizable reads in rounds (Q1): one round is under way, and whoever asks meanwhile shares the next,
 * which begins after they asked. A round that gets no answer is begun again, under one more number, for as
 * long as somebody waits, and an answer to any of its numbers ends it; callers have deadlines of their own.
 * The numbers of one start of the node mean nothing in another, where an answer of a leader may still arrive.
 */
export class ReadRounds {
  readonly #host: ReadRoundsHost;
  readonly #start: number;
  #number = 0;
  #current: Round | undefined;
  #waiting: number[] = [];
  #confirmed: Confirmed[] = [];

  /** `start`: which start of the node this is; never the same twice. */
  constructor(host: ReadRoundsHost, start: number) {
    this.#host = host;
    this.#start = start % WORD;
  }

  ask(id: number): void {
    this.#waiting.push(id);
  }

  /** Nobody waits for this one any more. */
  forget(id: number): void {
    this.#waiting = this.#waiting.filter((other) => other !== id);
    if (this.#current !== undefined) {
      this.#current = { ...this.#current, ids: this.#current.ids.filter((other) => other !== id) };
    }
    this.#confirmed = this.#confirmed.map(({ index, ids }) => ({ index, ids: ids.filter((other) => other !== id) }));
  }

  /** Begins a round if none is under way and somebody waits. */
  begin(): void {
    if (this.#current !== undefined || this.#waiting.length === 0) return;
    const number = this.#number + 1;
    this.#current = { first: number, last: number, ids: this.#waiting, ageTicks: 0 };
    this.#waiting = [];
    this.#request(number);
  }

  tick(): void {
    const round = this.#current;
    if (round === undefined) return;
    round.ageTicks += 1;
    if (round.ageTicks < RETRY_TICKS) return;
    if (round.ids.length === 0) {
      this.#current = undefined;
      return;
    }
    round.ageTicks = 0;
    round.last += 1;
    this.#request(round.last);
  }

  /** The core has answered a round: it may be read from `index` on. Answers of other rounds and other starts are dropped. */
  confirmed(context: Uint8Array, index: number): void {
    const round = this.#current;
    if (round === undefined || !this.#isOf(round, context)) return;
    this.#current = undefined;
    this.#confirmed.push({ index, ids: round.ids });
  }

  /** Everything up to `index` is applied. */
  applied(index: number): void {
    while (this.#confirmed[0] !== undefined && this.#confirmed[0].index <= index) {
      for (const id of this.#confirmed.shift()?.ids ?? []) this.#host.readable(id);
    }
  }

  #request(number: number): void {
    this.#number = number;
    const context = new Uint8Array(CONTEXT_BYTES);
    const view = new DataView(context.buffer);
    view.setUint32(0, this.#start);
    view.setUint32(WORD_BYTES, number % WORD);
    this.#host.begin(context);
  }

  #isOf({ first, last }: Round, context: Uint8Array): boolean {
    if (context.length !== CONTEXT_BYTES) return false;
    const view = new DataView(context.buffer, context.byteOffset, CONTEXT_BYTES);
    if (view.getUint32(0) !== this.#start) return false;
    // Counted from the first, so that it does not matter where the numbers begin anew.
    return (view.getUint32(WORD_BYTES) - (first % WORD) + WORD) % WORD <= last - first;
  }
}
