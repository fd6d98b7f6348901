// SPDX-License-Identifier: Apache-2.0
import { type Ballot, NO_BALLOT } from "../src/ballot.ts";
import type { NodeFailure, PersistOutcome, PrepareOutcome, StatusOutcome } from "../src/node-outcome.ts";

const EMPTY: NodeFailure = { kind: "failed", why: "amnesia", mayHaveRun: false, message: "is empty" };

interface State {
  promised: Ballot;
  holder: string;
  highWater: number;
  beat: number;
  released: Ballot;
  leasedUntil: number;
}

/**
 * One node as plain data: a second implementation of the scripts, deliberately simple, for simulations and to compare
 * the scripts with. Time is whatever the test says; with `tenure` 0 there is no dampener.
 */
export class ModelNode {
  now = 0;
  readonly #tenure: number;
  #state: State | undefined = {
    promised: NO_BALLOT,
    holder: "",
    highWater: 0,
    beat: 1,
    released: NO_BALLOT,
    leasedUntil: 0,
  };
  #claim: string | undefined;
  #copy: State | undefined;
  /** False after a restart that nobody has made good yet. */
  #isTrusted = true;

  constructor(tenure = 0) {
    this.#tenure = tenure;
  }

  status(): StatusOutcome {
    const state = this.#voting;
    if (state === undefined) return EMPTY;
    const { promised, highWater, holder, released } = state;
    const leasedForMs = Math.max(0, Math.min(this.#tenure, state.leasedUntil - this.now));
    return { kind: "ok", promised, highWater, beat: String(state.beat), leasedForMs, endpoint: "", holder, released };
  }

  prepare(epoch: Ballot, holder: string): PrepareOutcome {
    const state = this.#voting;
    if (state === undefined) return EMPTY;
    const { promised, highWater, released } = state;
    if (epoch < promised || (epoch === promised && holder !== state.holder)) return { kind: "stale", promised };
    const before = {
      kind: "ok",
      promised,
      highWater,
      beat: String(state.beat),
      released,
      holder: state.holder,
    } as const;
    if (epoch === promised) return { ...before, duplicate: true };
    if (state.leasedUntil > this.now && state.holder !== holder && released !== promised) {
      return { kind: "leased", promised };
    }
    this.#write(state, epoch, holder);
    return { ...before, duplicate: false };
  }

  persist(epoch: Ballot, holder: string, value: number): PersistOutcome {
    const state = this.#voting;
    if (state === undefined) return EMPTY;
    if (epoch < state.promised || (epoch === state.promised && holder !== state.holder)) {
      return { kind: "fenced", promised: state.promised };
    }
    state.highWater = Math.max(state.highWater, value);
    this.#write(state, epoch, holder);
    return { kind: "ok", highWater: state.highWater };
  }

  release(epoch: Ballot, holder: string, clean: boolean): "ok" | "fenced" | "empty" {
    const state = this.#voting;
    if (state === undefined) return "empty";
    if (epoch !== state.promised || holder !== state.holder) return "fenced";
    state.leasedUntil = 0;
    state.beat += 1;
    if (clean) state.released = epoch;
    return "ok";
  }

  wipe(): void {
    this.#state = undefined;
    this.#claim = undefined;
    this.#isTrusted = true;
  }

  /** Keeps a copy of its disk. */
  copy(): void {
    if (this.#state !== undefined) this.#copy = { ...this.#state };
  }

  /** Restarts with the copy, if there is one, else with what it has. */
  restart(isTrusted: boolean): void {
    if (this.#copy !== undefined) this.#state = { ...this.#copy };
    this.#isTrusted = isTrusted && this.#isTrusted;
  }

  claim(nonce: string): boolean {
    if (this.#voting !== undefined) return false;
    this.#claim = nonce;
    return true;
  }

  admit(nonce: string, epoch: Ballot, holder: string, highWater: number): boolean {
    if (this.#voting !== undefined || this.#claim !== nonce) return false;
    this.#claim = undefined;
    this.#isTrusted = true;
    const state = this.#state;
    if (state === undefined) {
      this.#state = { promised: epoch, holder, highWater, beat: 1, released: NO_BALLOT, leasedUntil: 0 };
      return true;
    }
    if (epoch > state.promised) {
      state.promised = epoch;
      state.holder = holder;
    }
    state.highWater = Math.max(state.highWater, highWater);
    state.beat += 1;
    state.leasedUntil = 0;
    return true;
  }

  get #voting(): State | undefined {
    return this.#isTrusted ? this.#state : undefined;
  }

  #write(state: State, epoch: Ballot, holder: string): void {
    state.promised = epoch;
    state.holder = holder;
    state.beat += 1;
    state.leasedUntil = this.now + this.#tenure;
  }
}
