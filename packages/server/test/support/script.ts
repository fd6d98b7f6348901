// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type ConsensusErrorCode, type ConsensusErrorOptions } from "@tsoracle/consensus";

/** A call that a test holds back. */
export interface Held<Result> {
  /** Resolves when the call has come. */
  readonly called: Promise<void>;
  /** Lets the call do what it does by default. */
  release(): void;
  answer(result: Result): void;
  fail(error: unknown): void;
}

/** One method of a scripted driver: does the usual, unless the test planned something for the next calls. */
export class Script<Args extends readonly unknown[], Result> {
  readonly calls: Args[] = [];
  readonly #usual: (...args: Args) => Result;
  readonly #planned: ((...args: Args) => Promise<Result>)[] = [];

  constructor(usual: (...args: Args) => Result) {
    this.#usual = usual;
  }

  async run(...args: Args): Promise<Result> {
    this.calls.push(args);
    const planned = this.#planned.shift();
    return planned === undefined ? this.#usual(...args) : planned(...args);
  }

  /** The next unplanned call does this. */
  plan(behaviour: (...args: Args) => Promise<Result>): void {
    this.#planned.push(behaviour);
  }

  fail(code: ConsensusErrorCode, options: ConsensusErrorOptions = {}): void {
    this.plan(() => Promise.reject(new ConsensusError(code, "scripted", options)));
  }

  hold(): Held<Result> {
    let called: () => void = () => undefined;
    let settle: (how: { answer: (usual: () => Result) => Result }) => void = () => undefined;
    const come = new Promise<void>((resolve) => {
      called = resolve;
    });
    const settled = new Promise<{ answer: (usual: () => Result) => Result }>((resolve) => {
      settle = resolve;
    });
    this.plan(async (...args) => {
      called();
      return (await settled).answer(() => this.#usual(...args));
    });
    return {
      called: come,
      release: () => settle({ answer: (usual) => usual() }),
      answer: (result) => settle({ answer: () => result }),
      fail: (error) =>
        settle({
          answer: () => {
            throw error;
          },
        }),
    };
  }
}
