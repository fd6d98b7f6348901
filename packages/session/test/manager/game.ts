// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import {
  jsonApplication,
  plainTokens,
  type SessionApplication,
  type SessionEvent,
  SessionManager,
  type SessionManagerOptions,
  snapshotJournal,
} from "../../src/index.ts";

/** A room in which players say words: the state is all words, in order. */
export type Words = readonly string[];
export type Word = string;

export const words: SessionApplication<Words, Word> = jsonApplication<Words, Word>({
  initial: () => [],
  apply: (state, word) => {
    if (word === "forbidden") throw new RangeError("this word may not be said");
    return [...state, word];
  },
});

/** An oracle in this process: 1, 2, 3, ...; a test can take it away. */
export class TestOracle {
  away: Error | undefined;
  hangs = false;
  #last = 0n;

  readonly timestamps = async (): Promise<bigint> => {
    if (this.away !== undefined) throw this.away;
    if (this.hangs) return await new Promise<never>(() => {});
    this.#last += 1n;
    return this.#last;
  };

  /** Continues above this. */
  advanceTo(last: bigint): void {
    this.#last = last;
  }
}

/** A clock that stands where a test puts it. */
export class TestClock {
  ms = 1_000;
  nowMs(): number {
    return this.ms;
  }
}

export type TestManager = SessionManager<Words, Word>;

export interface TestNode {
  readonly manager: TestManager;
  readonly events: SessionEvent[];
}

export function testNode(
  node: string,
  journal: FencedJournal,
  oracle: TestOracle,
  changes: Partial<SessionManagerOptions<Words, Word>> = {},
): TestNode {
  const events: SessionEvent[] = [];
  const manager = new SessionManager<Words, Word>({
    journal,
    timestamps: oracle.timestamps,
    node,
    tokens: plainTokens,
    backend: snapshotJournal(journal.name, journal.name, 3),
    application: words,
    clock: new TestClock(),
    onEvent: (event) => events.push(event),
    ...changes,
    limits: { settlePauseMs: 0, ...changes.limits },
  });
  return { manager, events };
}
