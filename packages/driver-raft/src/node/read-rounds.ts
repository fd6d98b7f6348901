// SPDX-License-Identifier: Apache-2.0

/** Ticks after which a round that was not answered is begun again: its request or its answer was lost. */
const RETRY_TICKS = 3;

/** What the rounds need of the core. */
export interface ReadRoundsHost {
  /** Asks the core for a linearizable read under this context. */
  begin(context: Uint8Array): void;
  readable(id: number): void;
}

interface Round {
  readonly number: number;
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
 * which begins after they asked. A round that gets no answer is begun again, under a new number, for as
 * long as somebody waits; callers have deadlines of their own.
 */
export class ReadRounds {
  readonly #host: ReadRoundsHost;
  #number = 0;
  #current: Round | undefined;
  #waiting: number[] = [];
  #confirmed: Confirmed[] = [];

  constructor(host: ReadRoundsHost) {
    this.#host = host;
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
    this.#start(this.#waiting);
    this.#waiting = [];
  }

  tick(): void {
    const round = this.#current;
    if (round === undefined) return;
    round.ageTicks += 1;
    if (round.ageTicks < RETRY_TICKS) return;
    const ids = [...round.ids, ...this.#waiting];
    this.#waiting = [];
    this.#current = undefined;
    if (ids.length > 0) this.#start(ids);
  }

  /** The core has answered a round: it may be read from `index` on. Answers of rounds given up are dropped. */
  confirmed(context: Uint8Array, index: number): void {
    const round = this.#current;
    if (round === undefined || decode(context) !== round.number) return;
    this.#current = undefined;
    this.#confirmed.push({ index, ids: round.ids });
  }

  /** Everything up to `index` is applied. */
  applied(index: number): void {
    while (this.#confirmed[0] !== undefined && this.#confirmed[0].index <= index) {
      for (const id of this.#confirmed.shift()?.ids ?? []) this.#host.readable(id);
    }
  }

  #start(ids: readonly number[]): void {
    this.#number += 1;
    this.#current = { number: this.#number, ids, ageTicks: 0 };
    this.#host.begin(encode(this.#number));
  }
}

function encode(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

function decode(context: Uint8Array): number {
  if (context.length !== 8) return -1;
  return Number(new DataView(context.buffer, context.byteOffset, 8).getBigUint64(0));
}
