// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError } from "@tsoracle/consensus";
import { type FaultyJournal, faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import {
  journalOnly,
  type OwnedSession,
  type SessionEvent,
  type SessionManagerOptions,
  snapshotJournal,
  snapshotOnly,
} from "../../src/index.ts";
import { TestOracle, testNode, type Word, type Words } from "./game.ts";
import { RecordingJournal } from "./recording-journal.ts";
import { refusalOf, say } from "./rig.ts";

interface Room {
  readonly faults: FaultyJournal["faults"];
  readonly recording: RecordingJournal;
  readonly session: OwnedSession<Words, Word>;
  readonly events: readonly SessionEvent[];
  stored(): ReturnType<FaultyJournal["load"]>;
  recovered(): Promise<Words>;
}

async function room(changes: Partial<SessionManagerOptions<Words, Word>> = {}): Promise<Room> {
  const store = new MemoryJournalStore();
  const recording = new RecordingJournal();
  const faulty = faultyJournal(store.open(), { callTimeoutMs: 30 });
  const oracle = new TestOracle();
  const { manager, events } = testNode("node-a", recording.around(faulty), oracle, changes);
  const session = await manager.open("room");
  const stored = (): ReturnType<FaultyJournal["load"]> => store.open().load("room");
  const recovered = async (): Promise<Words> =>
    (await testNode("reader", store.open(), oracle).manager.inspect("room")).state;
  return { faults: faulty.faults, recording, session, events, stored, recovered };
}

const seqs = (calls: readonly { readonly seq: number }[]): readonly number[] => calls.map(({ seq }) => seq);
const ten = Array.from({ length: 10 }, (_, index) => `w${index}`);

describe("snapshots beside a journal", () => {
  it("are taken after so many entries, and truncate what they cover and no more", async () => {
    const { session, recording, stored } = await room();
    await say(session, ...ten);
    await session.confirm();
    expect(seqs(recording.of("putSnapshot"))).toEqual([3, 6, 9]);
    expect(seqs(recording.of("truncateThrough"))).toEqual([3, 6, 9]);
    expect(recording.uncoveredTruncations()).toEqual([]);
    expect(await stored()).toMatchObject({ snapshotSeq: 9, firstSeq: 10 });
  });

  it("are taken after so many bytes although fewer entries came", async () => {
    const changes = { backend: snapshotJournal("m", "m", 1_000), limits: { snapshotAfterBytes: 400 } };
    const { session, recording } = await room(changes);
    await say(session, "x".repeat(150), "y".repeat(150), "z");
    await session.confirm();
    expect(seqs(recording.of("putSnapshot"))).toEqual([2]);
  });

  it("come after the answer to the entry that made them due, however long they take", async () => {
    const inner = new MemoryJournalStore().open();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const journal = Object.assign(Object.create(inner) as FencedJournal, {
      load: inner.load.bind(inner),
      createIfAbsent: inner.createIfAbsent.bind(inner),
      append: inner.append.bind(inner),
      truncateThrough: inner.truncateThrough.bind(inner),
      putSnapshot: async (...call: Parameters<FencedJournal["putSnapshot"]>): Promise<void> => {
        await gate;
        await inner.putSnapshot(...call);
      },
    });
    const { manager, events } = testNode("node-a", journal, new TestOracle());
    const session = await manager.open("room");
    await say(session, "one", "two", "three");
    const fourth = session.append("four");
    open();
    await fourth;
    expect(events.map(({ kind }) => kind)).toEqual(["created", "snapshot_taken", "truncated"]);
  });

  it.each(["transient", "uncertain", "oversize"] as const)(
    "that fail as %s lose nothing, stop no entry, and are tried again later",
    async (code) => {
      const { session, faults, recording, events, recovered, stored } = await room();
      faults.failNext(code, { method: "putSnapshot" });
      await say(session, ...ten.slice(0, 5));
      await session.confirm();
      expect(events.map(({ kind }) => kind)).toContain("snapshot_failed");
      expect(recording.of("truncateThrough")).toEqual([]);
      expect(await recovered()).toEqual(ten.slice(0, 5));
      await say(session, ...ten.slice(5, 7));
      await session.confirm();
      expect(seqs(recording.of("putSnapshot"))).toEqual([3, 6]);
      expect(await stored()).toMatchObject({ snapshotSeq: 6, firstSeq: 7 });
      expect(await recovered()).toEqual(ten.slice(0, 7));
    },
  );

  it("stand although the truncation after them failed; the next one makes up for it", async () => {
    const { session, faults, events, recovered, stored } = await room();
    faults.failNext("transient", { method: "truncateThrough" });
    await say(session, ...ten.slice(0, 4));
    await session.confirm();
    expect(events.map(({ kind }) => kind)).toContain("truncation_failed");
    expect(await stored()).toMatchObject({ snapshotSeq: 3, firstSeq: 1 });
    expect(await recovered()).toEqual(ten.slice(0, 4));
    await say(session, ...ten.slice(4, 6));
    await session.confirm();
    expect(await stored()).toMatchObject({ snapshotSeq: 6, firstSeq: 7 });
  });

  it.each(["putSnapshot", "truncateThrough"] as const)(
    "drop a session that is fenced by then, in %s",
    async (method) => {
      const { session, faults } = await room();
      faults.failNext("fenced", { method });
      await say(session, "one", "two", "three");
      expect(await refusalOf(session.confirm())).toMatchObject({ code: "fenced" });
      expect(session.signal.aborted).toBe(true);
    },
  );

  it("are due at once in a session that was recovered with a long tail", async () => {
    const store = new MemoryJournalStore();
    const oracle = new TestOracle();
    const a = testNode("node-a", store.open(), oracle, { backend: journalOnly("m") });
    await say(await a.manager.open("room"), ...ten);
    const b = testNode("node-b", store.open(), oracle);
    const session = await b.manager.takeover("room");
    await say(session, "eleven");
    await session.confirm();
    expect(b.events.map(({ kind }) => kind)).toEqual(["taken_over", "snapshot_taken", "truncated"]);
    expect((await store.open().load("room")).entries).toEqual([]);
  });

  it("can be asked for, and say why they failed", async () => {
    const { session, faults } = await room();
    await say(session, "one");
    faults.failNext("transient", { method: "putSnapshot" });
    expect(await refusalOf(session.snapshot())).toBeInstanceOf(JournalError);
    expect(await session.snapshot()).toEqual({ seq: 1 });
  });

  it("are not taken by a backend that keeps none", async () => {
    const { session } = await room({ backend: journalOnly("m") });
    expect(await refusalOf(session.snapshot())).toMatchObject({ code: "backend_unfit" });
  });
});

describe("snapshots alone", () => {
  const backend = snapshotOnly("m", 3);

  it("write every third entry and nothing in between, and say what is durable", async () => {
    const { session, recording } = await room({ backend });
    const answers = [];
    for (const word of ten.slice(0, 7)) answers.push((await session.append(word)).durable);
    expect(answers).toEqual([false, false, true, false, false, true, false]);
    expect(recording.of("append")).toEqual([]);
    expect(seqs(recording.of("putSnapshot"))).toEqual([3, 6]);
  });

  it("refuse the entry that they fail to keep, and keep it when it comes again", async () => {
    const { session, faults, recovered } = await room({ backend });
    await say(session, "one", "two");
    faults.failNext("transient", { method: "putSnapshot" });
    expect(await refusalOf(session.append("three"))).toMatchObject({ code: "transient" });
    expect(session.state).toEqual(["one", "two"]);
    expect(await session.append("three")).toEqual({ epoch: 1n, seq: 3, durable: true });
    expect(await recovered()).toEqual(["one", "two", "three"]);
  });

  it("find out about one whose answer was lost", async () => {
    const { session, faults, recovered } = await room({ backend });
    await say(session, "one", "two");
    faults.loseReply();
    expect(await session.append("three")).toEqual({ epoch: 1n, seq: 3, durable: true });
    expect(await recovered()).toEqual(session.state);
  });

  it("never give one number to two states, so that a late write replaces nothing", async () => {
    const { session, recording } = await room({ backend });
    await say(session, "one", "two", "three");
    await session.snapshot();
    await session.reconnect({ policy: "remount" });
    await session.reconnect({ policy: "rehydrate" });
    await session.close();
    const numbers = seqs(recording.of("putSnapshot"));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.length).toBeGreaterThanOrEqual(5);
  });

  it("keep nothing of a state that was found to be wrong", async () => {
    const { session, recovered } = await room({ backend });
    await say(session, "one", "two", "three", "four");
    await session.crash("bug");
    expect(await refusalOf(session.snapshot())).toMatchObject({ code: "not_live" });
    expect(await session.close()).toMatchObject({ released: false, cause: { code: "not_live" } });
    expect(await recovered()).toEqual(["one", "two", "three"]);
  });
});
