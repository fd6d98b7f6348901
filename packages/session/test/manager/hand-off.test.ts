// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import { journalOnly, makeClaim, type OwnedSession, plainTokens, type SessionManagerOptions } from "../../src/index.ts";
import { type TestNode, TestOracle, testNode, type Word, type Words } from "./game.ts";
import { ManualTimers } from "./manual-timers.ts";
import { reasonOf, refusalOf, say } from "./rig.ts";

interface Two {
  readonly faults: FaultyJournal["faults"];
  readonly oracle: TestOracle;
  readonly a: TestNode;
  readonly b: TestNode;
}

function two(changes: Partial<SessionManagerOptions<Words, Word>> = {}): Two {
  const store = new MemoryJournalStore();
  const oracle = new TestOracle();
  const journal = faultyJournal(store.open(), { callTimeoutMs: 30 });
  const [a, b] = [testNode("node-a", journal, oracle, changes), testNode("node-b", store.open(), oracle)];
  return { faults: journal.faults, oracle, a, b };
}

describe("hand-off", () => {
  it("lets waiting entries finish, takes a last snapshot, and names the successor", async () => {
    const { a, b } = two();
    const session = await a.manager.open("room");
    const waiting = ["one", "two"].map((word) => session.append(word));
    const leaving = session.handOff("node-b");
    expect(await refusalOf(session.append("late"))).toMatchObject({ code: "handed_off" });
    await Promise.all(waiting);
    expect(await leaving).toEqual({ released: true, snapshot: true });
    expect(reasonOf(session)).toMatchObject({ code: "handed_off" });
    const next = await b.manager.open("room");
    expect(next.state).toEqual(["one", "two"]);
    expect(next.recovery).toMatchObject({ entries: [], previousOwner: "node-a" });
    expect(next.fence.epoch).toBeGreaterThan(session.fence.epoch);
  });

  it("happens once, however often it is asked for", async () => {
    const { a } = two();
    const session = await a.manager.open("room");
    expect(await Promise.all([session.close(), session.handOff("node-b")])).toEqual([
      { released: true, snapshot: true },
      { released: true, snapshot: true },
    ]);
    await session[Symbol.asyncDispose]();
    expect((await a.manager.inspect("room")).release).toEqual({});
  });

  it("gives up at its deadline, drops the session all the same, and leaves it to a takeover", async () => {
    const timers = new ManualTimers();
    const { a, b, faults } = two({ timers });
    const session = await a.manager.open("room");
    await say(session, "one");
    const release = faults.stall("writes");
    const begun = session.append("two").catch((error: unknown) => error);
    const waiting = refusalOf(session.append("three"));
    const leaving = session.handOff("node-b", { deadlineMs: 500 });
    timers.advance(500);
    expect(await leaving).toMatchObject({ released: false, snapshot: false });
    expect(session.signal.aborted).toBe(true);
    expect(await waiting).toMatchObject({ code: "handed_off" });
    release();
    await begun;
    expect(await refusalOf(b.manager.open("room"))).toMatchObject({ code: "owned_elsewhere" });
    expect((await b.manager.takeover("room")).state).toEqual(["one", "two"]);
  });

  it("is not done where the store does not answer for it, and says why", async () => {
    const { a, b, faults } = two({ backend: journalOnly("m"), limits: { settleAttempts: 0 } });
    const session = await a.manager.open("room");
    faults.failNext("transient", { method: "append" });
    expect(await session.close()).toMatchObject({ released: false, cause: { code: "transient" } });
    expect(await refusalOf(b.manager.open("room"))).toMatchObject({ code: "owned_elsewhere" });
  });

  it("still releases where the last snapshot fails", async () => {
    const { a, b, faults } = two();
    const session = await a.manager.open("room");
    await say(session, "one");
    faults.failNext("oversize", { method: "putSnapshot" });
    expect(await session.close()).toEqual({ released: true, snapshot: false });
    expect((await b.manager.open("room")).state).toEqual(["one"]);
  });

  it("is over as soon as somebody has the session, although that node has written nothing yet", async () => {
    const { a, b } = two();
    await (await a.manager.open("room")).close();
    await b.manager.open("room", { reconnect: false });
    expect(await refusalOf(a.manager.open("room"))).toMatchObject({ current: { owner: "node-b" } });
  });
});

describe("opening a session that was let go", () => {
  /** The third node, whose timestamp is the older one, opens it when the second one has looked, and asks for it. */
  async function interrupted(between: (c: TestNode) => Promise<unknown>) {
    const [store, oracle] = [new MemoryJournalStore(), new TestOracle()];
    const inner = store.open();
    const older = new TestOracle();
    const c = testNode("node-c", store.open(), older);
    let first: (() => Promise<unknown>) | undefined = () => between(c);
    const journal: FencedJournal = {
      ...faultyJournal(inner),
      takeover: async (...call) => {
        const before = first;
        first = undefined;
        await before?.();
        return await inner.takeover(...call);
      },
    };
    const session = await testNode("node-a", store.open(), oracle).manager.open("room");
    await say(session, "one");
    await session.close();
    older.advanceTo(1n);
    oracle.advanceTo(10n);
    return { b: testNode("node-b", journal, oracle), c };
  }

  it("refuses where another node was faster, and says what to do instead of taking it from there", async () => {
    let there: OwnedSession<Words, Word> | undefined;
    const { b } = await interrupted(async (c) => {
      there = await c.manager.open("room");
    });
    const refusal = await refusalOf(b.manager.open("room"));
    expect(refusal).toMatchObject({ code: "owned_elsewhere", current: { owner: "node-c" } });
    expect(refusal.message).toContain('"node-c" owns session "room"; claim it with takeover() if that node is gone');
    expect(b.events).toEqual([]);
    await there?.append("two");
    expect(there?.signal.aborted).toBe(false);
  });

  it("goes on where the faster one has let it go again", async () => {
    const { b } = await interrupted(async (c) => {
      const session = await c.manager.open("room");
      await say(session, "two");
      await session.close();
    });
    const session = await b.manager.open("room");
    expect(session.state).toEqual(["one", "two"]);
    expect(session.recovery.previousOwner).toBe("node-c");
  });

  it("says of a store that holds another owner of its epoch that this is an alarm", async () => {
    const { b } = await interrupted(async () => {
      throw new JournalError("split_brain", "twice", { current: { owner: "node-x", epoch: 2n } });
    });
    expect(await refusalOf(b.manager.open("room"))).toMatchObject({ code: "reused_epoch" });
    expect(b.events).toMatchObject([{ kind: "claim_refused", alarm: true }]);
  });
});

describe("a manager", () => {
  it("lets all its sessions go when it is closed, and opens no more", async () => {
    const { a, b } = two();
    const ids = Array.from({ length: 40 }, (_, index) => `room-${index}`);
    await Promise.all(ids.map(async (id) => say(await a.manager.open(id), id)));
    const answers = await a.manager.close({ to: "node-b", concurrency: 3 });
    expect([...answers.keys()].toSorted()).toEqual(ids.toSorted());
    expect([...answers.values()].every(({ released }) => released)).toBe(true);
    expect(a.manager.sessions).toEqual([]);
    expect(await refusalOf(a.manager.open("room-0"))).toMatchObject({ code: "closed" });
    for (const id of ids) expect((await b.manager.open(id)).state).toEqual([id]);
  });

  it("has a session open once", async () => {
    const { a } = two();
    const [first, second] = [a.manager.open("room"), refusalOf(a.manager.open("room"))];
    expect(await second).toMatchObject({ code: "already_open" });
    const session = await first;
    expect(await refusalOf(a.manager.takeover("room"))).toMatchObject({ code: "already_open" });
    session.abandon();
    expect((await a.manager.open("room")).fence.epoch).toBe(2n);
  });

  it("opens no more sessions than it may", async () => {
    const { a } = two({ limits: { maxSessions: 2 } });
    await a.manager.open("one");
    const second = await a.manager.open("two");
    expect(await refusalOf(a.manager.open("three"))).toMatchObject({ code: "queue_full" });
    await second.close();
    await a.manager.open("three");
  });

  it("keeps nothing of a session that it could not open", async () => {
    const { a, faults, oracle } = two();
    oracle.away = new Error("no leader");
    expect(await refusalOf(a.manager.open("room"))).toMatchObject({ code: "oracle_unavailable" });
    oracle.away = undefined;
    faults.failNext("transient", { method: "createIfAbsent" });
    expect(await refusalOf(a.manager.open("room"))).toMatchObject({ code: "transient" });
    expect(a.manager.sessions).toEqual([]);
    expect((await a.manager.open("room")).recovery.created).toBe(true);
  });

  it.each(["createIfAbsent", "takeover"] as const)("repeats a %s whose outcome is unknown", async (method) => {
    const { a, b, faults } = two();
    if (method === "takeover") (await b.manager.open("room")).abandon();
    faults.failNext("uncertain", { method });
    faults.failNext("transient", { method });
    const session = await (method === "takeover" ? a.manager.takeover("room") : a.manager.open("room"));
    await say(session, "one");
    expect(faults.calls[method]).toBe(3);
  });

  it("takes a session that its own lost call has made for its own", async () => {
    const { a, faults } = two();
    faults.loseReply();
    const session = await a.manager.open("room");
    expect(session.recovery.created).toBe(true);
    expect(session.fence.epoch).toBe(1n);
  });

  it("serves nothing of a journal that no manager wrote", async () => {
    const store = new MemoryJournalStore();
    const journal = store.open();
    const { manager, events } = testNode("node-a", journal, new TestOracle());
    const fence = { owner: "node-a", epoch: 1n };
    await journal.createIfAbsent("bare", fence);
    await journal.createIfAbsent("strange", fence, { snapshot: new TextEncoder().encode("{}") });
    const session = await manager.open("mixed");
    await journal.append("mixed", session.fence, 1, new TextEncoder().encode("hello"), 1n);
    session.abandon();
    for (const id of ["bare", "strange", "mixed"]) {
      const before = await journal.load(id);
      expect(await refusalOf(manager.open(id))).toMatchObject({ code: "unreadable" });
      expect(await journal.load(id)).toEqual(before);
    }
    expect(events.some(({ kind }) => kind === "taken_over")).toBe(false);
  });

  it("takes claims for its own node only", async () => {
    const { a, b, oracle } = two();
    await a.manager.open("room");
    const claim = await makeClaim({
      sessionId: "room",
      owner: "node-c",
      tokens: plainTokens,
      timestamps: oracle.timestamps,
    });
    expect(await refusalOf(b.manager.takeover("room", { claim }))).toMatchObject({ code: "option_invalid" });
  });

  it("loses the race for a session to a claim that is newer", async () => {
    const { a, b, oracle } = two();
    (await a.manager.open("room")).abandon();
    const claim = await a.manager.claimFor("room");
    await b.manager.takeover("room");
    expect(await refusalOf(a.manager.takeover("room", { claim }))).toMatchObject({ code: "stale_owner" });
    oracle.advanceTo(0n);
    expect(await refusalOf(a.manager.takeover("room"))).toMatchObject({ code: "stale_owner" });
  });

  it("refuses options that are out of their range", () => {
    const { oracle } = two();
    const journal = new MemoryJournalStore().open();
    const wrong: readonly Partial<SessionManagerOptions<Words, Word>>[] = [
      { node: "" },
      { limits: { maxWaiting: 0 } },
      { limits: { settleAttempts: -1 } },
      { continuitySloMs: 0.5 },
      { resumePolicy: "later" as never },
      { timestamps: 7 as never },
      { backend: { kind: "snapshot_only", store: "m", checkpointEvery: 0 } },
    ];
    for (const changes of wrong) expect(() => testNode("a", journal, oracle, changes)).toThrow(RangeError);
  });
});
