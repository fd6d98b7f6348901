// SPDX-License-Identifier: Apache-2.0
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import type { SessionManagerOptions } from "../../src/index.ts";
import { TestClock, type TestManager, type TestNode, TestOracle, testNode, type Word, type Words } from "./game.ts";

export interface TwoNodes {
  readonly clock: TestClock;
  readonly faults: FaultyJournal["faults"];
  readonly a: TestNode;
  readonly b: TestNode;
  readonly reader: TestManager;
}

/** Two nodes on one store; faults strike both. */
export function twoNodes(changes: Partial<SessionManagerOptions<Words, Word>> = {}): TwoNodes {
  const store = new MemoryJournalStore();
  const [clock, oracle] = [new TestClock(), new TestOracle()];
  const journal = faultyJournal(store.open());
  const node = (name: string): TestNode => testNode(name, journal, oracle, { clock, ...changes });
  const reader = testNode("reader", store.open(), oracle).manager;
  return { clock, faults: journal.faults, a: node("node-a"), b: node("node-b"), reader };
}
