// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import fc from "fast-check";
import {
  type OwnedSession,
  type PersistenceBackend,
  plainTokens,
  SessionManagerError,
  valid,
} from "../../src/index.ts";
import { TestClock, type TestManager, TestOracle, testNode, type Word, type Words } from "./game.ts";
import { RecordingJournal } from "./recording-journal.ts";

const NODES = 3;
const ID = "room";

/** One thing that happens. `who` picks a handle among all that were ever given out, those of dead processes too. */
export type HistoryStep =
  | { readonly kind: "open" | "die" | "stall" | "heal" | "lose_reply"; readonly node: number }
  | { readonly kind: "takeover"; readonly node: number; readonly reconnect: boolean }
  | { readonly kind: "fail"; readonly node: number; readonly code: "transient" | "uncertain" }
  | { readonly kind: "append"; readonly who: number; readonly count: number }
  | {
      readonly kind: "crash" | "restart" | "reconnect" | "snapshot" | "settle" | "close" | "abandon";
      readonly who: number;
    };

const node = fc.nat({ max: NODES - 1 });
const who = fc.nat({ max: 7 });

export const historyStep: fc.Arbitrary<HistoryStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("append" as const), who, count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("takeover" as const), node, reconnect: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("open", "lose_reply", "stall", "heal", "die"), node }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("fail" as const), node, code: fc.constantFrom("transient", "uncertain") }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("crash", "restart", "reconnect", "snapshot", "settle", "close", "abandon"),
      who,
    }),
  },
);

/** A broken manager: what stands between it and its store misreads what the store says. */
export type Misreading = (journal: FencedJournal) => FencedJournal;

interface Place {
  readonly faulty: FaultyJournal;
  readonly manager: TestManager;
}

/** Runs a history of several managers over one store in memory, and says which promises it saw broken. */
export class History {
  readonly #store = new MemoryJournalStore();
  readonly #oracle = new TestOracle();
  readonly #clock = new TestClock();
  readonly #recording = new RecordingJournal();
  readonly #backend: PersistenceBackend;
  readonly #misreading: Misreading;
  readonly #places: Place[] = [];
  readonly #heals = new Map<Place, () => void>();
  readonly #handles: OwnedSession<Words, Word>[] = [];
  readonly #acknowledged: Word[] = [];
  readonly #uncertain = new Map<Word, OwnedSession<Words, Word>>();
  readonly #broken: string[] = [];
  #words = 0;
  #newest = 0n;

  constructor(backend: PersistenceBackend, misreading: Misreading = (journal) => journal) {
    this.#backend = backend;
    this.#misreading = misreading;
    for (let index = 0; index < NODES; index += 1) this.#places.push(this.#place(index));
  }

  async run(steps: readonly HistoryStep[]): Promise<readonly string[]> {
    for (const step of steps) {
      this.#clock.ms += 1;
      await this.#step(step).catch((error: unknown) => this.#expected(error));
    }
    for (const heal of this.#heals.values()) heal();
    // What was held lands now, late: each write in a turn or two of its own.
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    await this.#judge();
    return this.#broken;
  }

  async #step(step: HistoryStep): Promise<void> {
    if ("who" in step) {
      const handle = this.#handles.at(step.who % Math.max(1, this.#handles.length));
      if (handle !== undefined) await this.#use(handle, step);
      return;
    }
    const place = this.#places[step.node] ?? this.#place(step.node);
    switch (step.kind) {
      case "open":
        return this.#owned(await place.manager.open(ID));
      case "takeover":
        return this.#owned(await place.manager.takeover(ID, { reconnect: step.reconnect }));
      case "die":
        this.#places[step.node] = this.#place(step.node);
        return;
      case "stall":
        if (!this.#heals.has(place)) this.#heals.set(place, place.faulty.faults.stall("writes"));
        return;
      case "heal":
        this.#heals.get(place)?.();
        this.#heals.delete(place);
        return;
      case "lose_reply":
        return place.faulty.faults.loseReply();
      case "fail":
        return place.faulty.faults.failNext(step.code);
      default:
        return step satisfies never;
    }
  }

  async #use(handle: OwnedSession<Words, Word>, step: Extract<HistoryStep, { who: number }>): Promise<void> {
    switch (step.kind) {
      case "append":
        await Promise.all(Array.from({ length: step.count }, () => this.#append(handle)));
        return;
      case "crash":
        return await handle.crash("chaos");
      case "restart":
        return await handle.restart();
      case "reconnect":
        return void (await handle.reconnect());
      case "snapshot":
        return void (await handle.snapshot());
      case "settle":
        return void (await handle.settle());
      case "close":
        return void (await handle.close());
      case "abandon":
        return handle.abandon();
      default:
        return step satisfies never;
    }
  }

  async #append(handle: OwnedSession<Words, Word>): Promise<void> {
    this.#words += 1;
    const word = `w${this.#words}`;
    try {
      const { durable } = await handle.append(word);
      if (!durable) return;
      this.#acknowledged.push(word);
      if (handle.fence.epoch < this.#newest)
        this.#broken.push(`${word} was acknowledged to an owner that was taken over`);
    } catch (error) {
      if (error instanceof SessionManagerError && error.code === "uncertain") this.#uncertain.set(word, handle);
      else this.#expected(error);
    }
  }

  #owned(handle: OwnedSession<Words, Word>): void {
    if (handle.fence.epoch <= this.#newest) this.#broken.push(`epoch ${handle.fence.epoch} is not newer`);
    this.#newest = handle.fence.epoch;
    this.#handles.push(handle);
  }

  #place(index: number): Place {
    const faulty = faultyJournal(this.#store.open(), { callTimeoutMs: 1 });
    const journal = this.#misreading(this.#recording.around(faulty));
    const limits = { settleAttempts: 1 };
    const settings = { backend: this.#backend, clock: this.#clock, limits };
    return { faulty, manager: testNode(`node-${index}`, journal, this.#oracle, settings).manager };
  }

  #expected(error: unknown): void {
    const code = (error as { readonly code?: unknown }).code;
    if (typeof code !== "string") throw error;
    // The journal is nobody's but the managers', and every process has one name at a time.
    if (["out_of_step", "unreadable", "state_diverged", "split_brain"].includes(code)) this.#broken.push(String(error));
  }

  async #judge(): Promise<void> {
    for (const { seq } of this.#recording.uncoveredTruncations())
      this.#broken.push(`truncation of ${seq} came too early`);
    if (this.#recording.mostAppends > 1 && this.#handles.length === 1) this.#broken.push("two appends at one time");
    if (this.#handles.length === 0) return;
    const reader = testNode("reader", this.#store.open(), this.#oracle, { backend: this.#backend }).manager;
    const view = await reader.inspect(ID).catch((error: unknown) => {
      this.#broken.push(`the journal cannot be recovered: ${String(error)}`);
      return undefined;
    });
    if (view === undefined) return;
    const { state, model, owner } = view;
    if (!valid(model, plainTokens)) this.#broken.push("the recovered session is not valid");
    if (model.snapshot.counter !== state.length) this.#broken.push("the counter is not the number of entries");
    if (new Set(state).size !== state.length) this.#broken.push(`an entry is there twice: ${state.join()}`);
    this.#judgeEntries(state);
    const last = this.#handles.find(({ fence, signal }) => fence.epoch === owner.epoch && !signal.aborted);
    if (last?.lifecycle === "live" && (await settled(last)) && this.#backend.kind !== "snapshot_only") {
      const now = (await reader.inspect(ID)).state;
      if (now.join() !== last.state.join())
        this.#broken.push(`the owner has ${last.state.join()}, the store ${now.join()}`);
    }
  }

  #judgeEntries(state: Words): void {
    // With snapshots alone a word may be kept although it was acknowledged as not durable.
    const alone = this.#backend.kind === "snapshot_only";
    const inOrder = state.filter((word) => (alone ? this.#acknowledged.includes(word) : !this.#uncertain.has(word)));
    if (inOrder.join() !== this.#acknowledged.join()) {
      this.#broken.push(`acknowledged ${this.#acknowledged.join()}, found ${inOrder.join()}`);
    }
    // Each owner leaves at most one entry of which nobody knows: all but its last uncertain one were settled.
    const lastOf = new Map([...this.#uncertain].map(([word, handle]) => [handle, word]));
    for (const [word, handle] of this.#uncertain) {
      if (lastOf.get(handle) !== word && !state.includes(word))
        this.#broken.push(`${word} was left in doubt, and others followed`);
    }
  }
}

async function settled(handle: OwnedSession<Words, Word>): Promise<boolean> {
  return await handle.settle().then(
    () => true,
    () => false,
  );
}
