// SPDX-License-Identifier: Apache-2.0
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import {
  journalOnly,
  jsonApplication,
  type OwnedSession,
  SessionManager,
  type SessionManagerOptions,
} from "../../src/index.ts";
import { TestOracle, testNode, type Word, type Words } from "./game.ts";
import { ManualTimers } from "./manual-timers.ts";
import { RecordingJournal } from "./recording-journal.ts";
import { reasonOf, refusalOf, say } from "./rig.ts";

interface Room {
  readonly journal: FaultyJournal;
  readonly oracle: TestOracle;
  readonly session: OwnedSession<Words, Word>;
  readonly kinds: () => readonly string[];
  stored(): Promise<Words>;
}

async function room(changes: Partial<SessionManagerOptions<Words, Word>> = {}): Promise<Room> {
  const store = new MemoryJournalStore({ maxEntryBytes: 500 });
  const journal = faultyJournal(store.open(), { callTimeoutMs: 30 });
  const oracle = new TestOracle();
  const { manager, events } = testNode("node-a", journal, oracle, { backend: journalOnly("memory"), ...changes });
  const session = await manager.open("room");
  const reader = testNode("reader", store.open(), oracle).manager;
  const kinds = (): readonly string[] => events.map(({ kind }) => kind);
  return { journal, oracle, session, kinds, stored: async () => (await reader.inspect("room")).state };
}

describe("append", () => {
  it("lets one write at a time to the store, in the order of the calls", async () => {
    const recording = new RecordingJournal();
    const journal = recording.around(new MemoryJournalStore().open());
    const { manager } = testNode("node-a", journal, new TestOracle());
    const session = await manager.open("room");
    const spoken = Array.from({ length: 40 }, (_, index) => `word ${index}`);
    const answers = await Promise.all(spoken.map((word) => session.append(word)));
    expect(answers.map(({ seq }) => seq)).toEqual(spoken.map((_, index) => index + 1));
    expect(session.state).toEqual(spoken);
    expect(recording.mostAppends).toBe(1);
  });

  it("rejects with what the application says of an entry, and writes nothing of it", async () => {
    const { session, stored } = await room();
    const [first, second, third] = ["one", "forbidden", "two"].map((word) => session.append(word));
    await first;
    expect(await refusalOf(second ?? Promise.resolve())).toEqual(new RangeError("this word may not be said"));
    await third;
    expect(session.state).toEqual(["one", "two"]);
    expect(await stored()).toEqual(["one", "two"]);
  });

  it("keeps an entry as it was when the call was made, and the state as a recovery would find it", async () => {
    interface Move {
      by: string;
      at?: Date | undefined;
    }
    const application = jsonApplication<readonly Move[], Move>({
      initial: () => [],
      apply: (state, move) => [...state, move],
    });
    const store = new MemoryJournalStore();
    const { timestamps } = new TestOracle();
    const { tokens, backend } = { tokens: (await import("../../src/index.ts")).plainTokens, backend: journalOnly("m") };
    const manager = new SessionManager({ journal: store.open(), timestamps, node: "a", tokens, backend, application });
    const session = await manager.open("room");
    const move: Move = { by: "ann", at: new Date(0) };
    const appended = session.append(move);
    move.by = "bob";
    await appended;
    expect(session.state).toEqual([{ by: "ann", at: "1970-01-01T00:00:00.000Z" }]);
    expect((await manager.inspect("room")).state).toEqual(session.state);
  });

  it("refuses at once what cannot wait, and keeps what waits", async () => {
    const { session, journal, stored } = await room({ limits: { maxWaiting: 2 } });
    const release = journal.faults.stall("writes");
    const waiting = ["one", "two", "three"].map((word) => session.append(word));
    expect(await refusalOf(session.append("four"))).toMatchObject({ code: "queue_full" });
    release();
    await Promise.all(waiting);
    expect(await stored()).toEqual(["one", "two", "three"]);
  });

  it("takes back what has not begun, and nothing that has", async () => {
    const { session, journal, stored } = await room();
    const release = journal.faults.stall("writes");
    const controller = new AbortController();
    const begun = session.append("begun", { signal: controller.signal });
    const waiting = session.append("waiting", { signal: controller.signal });
    const after = session.append("after");
    controller.abort(new Error("the player left"));
    expect(await refusalOf(waiting)).toEqual(new Error("the player left"));
    expect(await refusalOf(session.append("never", { signal: controller.signal }))).toEqual(
      new Error("the player left"),
    );
    release();
    await Promise.all([begun, after]);
    expect(await stored()).toEqual(["begun", "after"]);
  });

  it("passes on that the store wrote nothing, and goes on", async () => {
    const { session, journal, stored } = await room();
    journal.faults.failNext("transient");
    expect(await refusalOf(session.append("one"))).toMatchObject({ name: "JournalError", code: "transient" });
    await say(session, "two");
    expect(session.seq).toBe(1);
    expect(await stored()).toEqual(["two"]);
  });

  it("moves the counter by what it is told, and refuses what it cannot hold before anything is written", async () => {
    const { session } = await room();
    await session.append("one", { delta: 5 });
    await session.append("two", { delta: -2 });
    expect(session.model.snapshot.counter).toBe(3);
    expect(await refusalOf(session.append("three", { delta: 0.5 }))).toMatchObject({ code: "number_out_of_range" });
    expect(session.seq).toBe(2);
  });
});

describe("an append whose outcome is unknown", () => {
  it("is repeated until it is known, and written once", async () => {
    const { session, journal, kinds, stored } = await room();
    for (let count = 0; count < 3; count += 1) journal.faults.failNext("uncertain");
    expect(await session.append("one")).toEqual({ epoch: 1n, seq: 1, durable: true });
    expect(kinds()).toEqual(["created", "uncertain", "settled"]);
    expect(await stored()).toEqual(["one"]);
  });

  it("is recognised in the journal when only its answer was lost", async () => {
    const { session, journal, stored } = await room();
    journal.faults.loseReply();
    await say(session, "one", "two");
    expect(await stored()).toEqual(["one", "two"]);
  });

  it("is told when repetitions are used up, and settled before anything else is written", async () => {
    const { session, journal, stored } = await room({ limits: { settleAttempts: 1 } });
    for (let count = 0; count < 3; count += 1) journal.faults.failNext("uncertain", { method: "append" });
    expect(await refusalOf(session.append("one"))).toMatchObject({ code: "uncertain", seq: 1 });
    expect(await refusalOf(session.append("two"))).toMatchObject({ code: "in_doubt", seq: 1 });
    expect(await stored()).toEqual([]);
    await say(session, "three");
    expect(session.state).toEqual(["one", "three"]);
    expect(await stored()).toEqual(["one", "three"]);
    expect(await session.settle()).toBe("nothing");
  });

  it("stays uncertain when a repetition was not carried out", async () => {
    const { session, journal } = await room({ limits: { settleAttempts: 2 } });
    journal.faults.failNext("uncertain", { method: "append" });
    journal.faults.failNext("transient", { method: "append" });
    journal.faults.failNext("oversize", { method: "append" });
    expect(await refusalOf(session.append("one"))).toMatchObject({ code: "uncertain" });
    expect(await session.settle()).toBe("written");
    expect(session.state).toEqual(["one"]);
  });

  it("stays uncertain when the session is lost meanwhile, and the signal says why", async () => {
    const { session, journal } = await room();
    journal.faults.failNext("uncertain", { method: "append" });
    journal.faults.failNext("fenced", { method: "append" });
    expect(await refusalOf(session.append("one"))).toMatchObject({ code: "uncertain", cause: { code: "fenced" } });
    expect(reasonOf(session)).toMatchObject({ code: "fenced" });
    expect(await refusalOf(session.settle())).toBe(reasonOf(session));
  });

  it("stays uncertain when the session is abandoned in the middle of the pause", async () => {
    const timers = new ManualTimers();
    const { session, journal } = await room({ timers, limits: { settlePauseMs: 1_000 } });
    journal.faults.failNext("uncertain", { method: "append" });
    const [unsure, waiting] = [refusalOf(session.append("one")), refusalOf(session.append("two"))];
    await journal.load("room");
    session.abandon();
    expect(await unsure).toMatchObject({ code: "uncertain", cause: { code: "abandoned" } });
    expect(await waiting).toMatchObject({ code: "abandoned" });
  });
});

describe("a store that fails under a session", () => {
  it.each(["permanent", "closed", "unknown_session"] as const)("drops the session when it is %s", async (code) => {
    const { session, journal, kinds } = await room();
    journal.faults.failNext(code);
    const waiting = refusalOf(session.append("one"));
    const behind = refusalOf(session.append("two"));
    const reason = await behind;
    expect(reason).toMatchObject({ code: "store_failed", cause: { code } });
    // What a damaged store did with the write is unknown; the others did nothing with it.
    expect(await waiting).toMatchObject({ code: code === "permanent" ? "uncertain" : "store_failed" });
    expect(reasonOf(session)).toBe(reason);
    expect(kinds()).toEqual(["created", "dropped"]);
  });

  it("drops a session that has another owner under the same epoch, with an alarm", async () => {
    const { session, journal } = await room();
    journal.faults.failNext("split_brain");
    expect(await refusalOf(session.append("one"))).toMatchObject({ code: "split_brain" });
  });
});

describe("what the store sees of an owner", () => {
  it("is its name and its epoch, and no token", async () => {
    const fences: object[] = [];
    const recording = new RecordingJournal().around(new MemoryJournalStore().open());
    const spied = new Proxy(recording, {
      get: (target, name, receiver) => {
        const member = Reflect.get(target, name, receiver);
        if (typeof member !== "function") return member;
        return (...call: readonly unknown[]) => {
          if (typeof call[1] === "object" && call[1] !== null && name !== "load") fences.push(call[1]);
          return member.apply(target, call);
        };
      },
    });
    const { manager } = testNode("node-a", spied, new TestOracle());
    const session = await manager.open("room");
    await say(session, "one", "two", "three");
    await session.confirm();
    await session.close();
    await (await manager.open("room")).close();
    expect(fences.length).toBeGreaterThan(8);
    expect(new Set(fences.map((fence) => Object.keys(fence).toSorted().join()))).toEqual(new Set(["epoch,owner"]));
  });
});

describe("timestamps of entries", () => {
  const stamped = async (stampEntries: boolean): Promise<readonly bigint[]> => {
    const journal = new MemoryJournalStore().open();
    const { manager } = testNode("node-a", journal, new TestOracle(), { stampEntries, backend: journalOnly("m") });
    await say(await manager.open("room"), "one", "two");
    return (await journal.load("room")).entries.map(({ ts }) => ts);
  };

  it("are the epoch of the owner unless each is to have its own", async () => {
    expect(await stamped(false)).toEqual([1n, 1n]);
    expect(await stamped(true)).toEqual([2n, 3n]);
  });

  it("fail the entry, before it is written, where the oracle is away", async () => {
    const { session, oracle, stored } = await room({ stampEntries: true });
    oracle.away = new Error("no leader");
    expect(await refusalOf(session.append("one"))).toMatchObject({ code: "oracle_unavailable" });
    oracle.away = undefined;
    await say(session, "two");
    expect(await stored()).toEqual(["two"]);
  });

  it("are not waited for without end", async () => {
    const timers = new ManualTimers();
    const { session, oracle } = await room({ stampEntries: true, timers, limits: { oracleTimeoutMs: 700 } });
    oracle.hangs = true;
    const refused = refusalOf(session.append("one"));
    while (timers.waiting === 0) await Promise.resolve();
    timers.advance(700);
    expect(await refused).toMatchObject({ code: "oracle_unavailable", message: expect.stringContaining("700 ms") });
  });

  it("are refused where they are none", async () => {
    for (const answer of [0n, 2n ** 64n, 7 as unknown as bigint]) {
      const { manager } = testNode("node-a", new MemoryJournalStore().open(), new TestOracle(), {
        timestamps: async () => answer,
      });
      expect(await refusalOf(manager.open("room"))).toMatchObject({ code: "epoch_out_of_range" });
    }
  });
});
