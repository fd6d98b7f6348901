// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { faultyJournal, MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import type { OwnedSession } from "../../src/index.ts";
import { mixedJournal } from "../../src/mixed.ts";
import { TestOracle, testNode, type Word, type Words } from "./game.ts";
import { reasonOf, refusalOf } from "./rig.ts";

describe("a session that is lost while its owner looks for an uncertain write", () => {
  it("is told as fenced, without an alarm, although a successor has put the entry into a snapshot", async () => {
    const store = new MemoryJournalStore();
    const [inner, oracle] = [faultyJournal(store.open()), new TestOracle()];
    const b = testNode("node-b", store.open(), oracle).manager;
    let before: (() => Promise<unknown>) | undefined;
    const journal: FencedJournal = {
      ...inner,
      // The successor comes in between the refusal of the number and the look at the journal.
      load: async (id, options) => {
        const first = before;
        before = undefined;
        await first?.();
        return await inner.load(id, options);
      },
    };
    const a = testNode("node-a", journal, oracle);
    const session = await a.manager.open("room");
    inner.faults.loseReply();
    before = async () => {
      const next = await b.takeover("room");
      await next.snapshot();
    };
    expect(await refusalOf(session.append("one"))).toMatchObject({ code: "uncertain" });
    expect(reasonOf(session)).toMatchObject({ code: "fenced", current: { owner: "node-b" } });
    expect(a.events.filter(({ alarm }) => alarm)).toEqual([]);
    expect((await b.inspect("room")).state).toEqual(["one"]);
  });
});

describe("a session on two stores that is taken over between a snapshot and its marker", () => {
  it("is dropped at once, and not with the next write", async () => {
    const [snapshots, entries, oracle] = [new MemoryJournalStore(), new MemoryJournalStore(), new TestOracle()];
    const mixed = () => mixedJournal({ snapshots: snapshots.open(), journal: entries.open() });
    const b = testNode("node-b", mixed(), oracle).manager;
    const inner = entries.open();
    const journal: FencedJournal = {
      ...faultyJournal(inner),
      putSnapshot: async (...call) => {
        await b.takeover("room");
        await inner.putSnapshot(...call);
      },
    };
    const a = testNode("node-a", mixedJournal({ snapshots: snapshots.open(), journal }), oracle);
    const session = await a.manager.open("room");
    await session.append("one");
    expect(await refusalOf(session.snapshot())).toMatchObject({ code: "fenced" });
    expect(reasonOf(session)).toMatchObject({ code: "fenced", current: { owner: "node-b" } });
    expect(a.manager.sessions).toEqual([]);
    expect((await b.inspect("room")).state).toEqual(["one"]);
  });
});

describe("a session that is opened anew while an earlier opening fails", () => {
  it("stays open once, and is let go when the manager closes", async () => {
    const store = new MemoryJournalStore();
    const [journal, oracle] = [faultyJournal(store.open()), new TestOracle()];
    let again: Promise<OwnedSession<Words, Word>> | undefined;
    const a = testNode("node-a", journal, oracle, {
      onEvent: ({ kind }) => {
        if (kind === "dropped" && again === undefined) again = a.manager.takeover("room");
      },
    });
    (await testNode("node-b", store.open(), oracle).manager.open("room")).abandon();
    journal.faults.failNext("fenced", { method: "append" });
    const first = refusalOf(a.manager.takeover("room"));
    expect(await first).toMatchObject({ code: "fenced" });
    expect(await refusalOf(a.manager.open("room"))).toMatchObject({ code: "already_open" });
    const second = await again;
    expect(a.manager.sessions).toEqual([second]);
    expect([...(await a.manager.close()).keys()]).toEqual(["room"]);
  });
});
