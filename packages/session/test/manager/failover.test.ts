// SPDX-License-Identifier: Apache-2.0
import { MemoryJournalStore } from "@tsoracle/consensus/memory";
import { describe, expect, it } from "vitest";
import {
  continuitySignature,
  fenceSignature,
  journalEntryLabel,
  journal as journalOf,
  journalOnly,
  type OwnedSession,
  type PersistenceBackend,
  plainTokens,
  type ResumePolicy,
  type SessionManagerOptions,
  snapshotJournal,
  snapshotOnly,
  snapshotSignature,
  valid,
} from "../../src/index.ts";
import { TestClock, type TestManager, TestOracle, testNode, type Word, type Words } from "./game.ts";
import { refusalOf, say } from "./rig.ts";

interface World {
  readonly clock: TestClock;
  readonly oracle: TestOracle;
  node(name: string): TestManager;
}

function world(changes: Partial<SessionManagerOptions<Words, Word>> = {}): World {
  const store = new MemoryJournalStore();
  const [clock, oracle] = [new TestClock(), new TestOracle()];
  const node = (name: string): TestManager => testNode(name, store.open(), oracle, { clock, ...changes }).manager;
  return { clock, oracle, node };
}

/** The session S of the reference, on a store. */
async function sessionS(): Promise<World & { readonly session: OwnedSession<Words, Word> }> {
  const there = world({ backend: snapshotJournal("pg", "redis", 3), continuitySloMs: 250 });
  return { ...there, session: await there.node("node-a").open("s-1", { route: "/counter" }) };
}

describe("a managed session (fencing-quorum-sessions.md 6.4)", () => {
  it("E1 to E3: begins with the fence and the snapshot of the model", async () => {
    const { session } = await sessionS();
    expect(session.fence.token).toBe("fence:s-1:node-a:1");
    expect(fenceSignature(session.fence)).toBe("owner=node-a|epoch=1|token=fence%3As-1%3Anode-a%3A1");
    expect(snapshotSignature(session.model.snapshot)).toBe(
      "session=s-1|route=/counter|counter=0|lifecycle=live|checkpoint_epoch=1|checkpoint_ms=1000",
    );
  });

  it("E4, E9, E11, E12: comes through crash, takeover, restart and reconnect as the model does", async () => {
    const { session, clock, node } = await sessionS();
    clock.ms = 1_010;
    await session.append("two", { delta: 2 });
    clock.ms = 1_020;
    await session.append("minus five", { delta: -5 });
    await session.crash("oom");
    expect(snapshotSignature(session.model.snapshot)).toBe(
      "session=s-1|route=/counter|counter=-3|lifecycle=crashed|checkpoint_epoch=1|checkpoint_ms=1020",
    );
    clock.ms = 1_100;
    const b = node("node-b");
    const taken = await b.takeover("s-1", { reconnect: false, failoverAtMs: 1_030 });
    expect(taken.fence.epoch).toBe(2n);
    const late = { owner: "node-a", epoch: 1n, token: plainTokens.expected("s-1", "node-a", 1n) };
    expect(await refusalOf(node("node-a").takeover("s-1", { claim: late }))).toMatchObject({
      code: "stale_owner",
      message: expect.stringContaining("stale_owner:2:1"),
    });
    clock.ms = 1_110;
    await taken.restart();
    clock.ms = 1_150;
    expect(continuitySignature(taken.continuityReport(1_030, 1_150))).toBe("latency_ms=120|data_loss=0|met=true");
    const report = await taken.reconnect();
    expect(continuitySignature(report)).toBe("latency_ms=120|data_loss=0|met=true");
    const { model } = await b.inspect("s-1");
    expect(journalOf(model).map(journalEntryLabel).join()).toBe(
      "counter_delta:2,counter_delta:-5,crash_marked:oom,restarted:1110,reconnected:rehydrate:/counter:1150",
    );
    expect(model.snapshot).toMatchObject({ counter: -3, lifecycle: "live", checkpointEpoch: 2n });
    expect(snapshotSignature(model.snapshot)).toBe(snapshotSignature(taken.model.snapshot));
    expect(valid(taken.model, plainTokens)).toBe(true);
  });

  it("E6: may confirm its fence, which changes nothing", async () => {
    const { session, node } = await sessionS();
    const before = await node("reader").inspect("s-1");
    await session.confirm();
    expect(await node("reader").inspect("s-1")).toEqual(before);
    expect(session.fence.epoch).toBe(1n);
  });
});

describe("continuity of a managed session (fencing-quorum-sessions.md 6.5)", () => {
  const rows: readonly [string, PersistenceBackend, number, number, number, number, number, boolean][] = [
    ["row 1", snapshotOnly("pg", 3), 0, 200, 0, 100, 0, true],
    ["row 2", snapshotOnly("pg", 3), 2, 200, 0, 100, 2, false],
    ["row 3", snapshotOnly("pg", 3), 2, 200, 2, 100, 2, true],
    ["row 4", snapshotOnly("pg", 3), 3, 200, 0, 100, 0, true],
    ["row 5", snapshotOnly("pg", 1), 5, 350, 0, 250, 0, true],
    ["row 6", journalOnly("pg"), 7, 200, 0, 100, 0, true],
    ["row 7", snapshotJournal("pg", "redis", 3), 2, 200, 0, 100, 0, true],
  ];
  const appended = async (there: World, deltas: number): Promise<OwnedSession<Words, Word>> => {
    there.clock.ms = 10;
    const session = await there.node("node-a").open("s-1");
    await say(session, ...Array.from({ length: deltas }, (_, index) => `w${index}`));
    return session;
  };

  it.each(rows)("%s, after a crash on the same node", async (_row, backend, deltas, at, most, latency, loss, met) => {
    const there = world({ backend, continuitySloMs: 250, maxDataLossEvents: most });
    const session = await appended(there, deltas);
    there.clock.ms = 100;
    await session.crash("power");
    const reported = session.continuityReport(100, at);
    expect(reported).toEqual({ reconnectLatencyMs: latency, estimatedDataLossEvents: loss, met, loss: "exact" });
    there.clock.ms = at;
    expect(await session.reconnect()).toEqual(reported);
    expect(session.state).toHaveLength(deltas - loss);
    expect(session.continuity).toEqual(reported);
  });

  it.each(rows)("%s, after a takeover", async (_row, backend, deltas, at, most, latency, loss, met) => {
    const there = world({ backend, continuitySloMs: 250, maxDataLossEvents: most });
    const session = await appended(there, deltas);
    there.clock.ms = at;
    const options = { failoverAtMs: 100, acknowledged: { epoch: 1n, seq: session.seq } };
    const successor = await there.node("node-b").takeover("s-1", options);
    expect(successor.continuity).toEqual({
      reconnectLatencyMs: latency,
      estimatedDataLossEvents: loss,
      met,
      loss: "exact",
    });
    expect(successor.state).toHaveLength(deltas - loss);
  });

  it("assumes the worst where nobody counted, and says so", async () => {
    const there = world({ backend: snapshotOnly("pg", 3), maxDataLossEvents: 1 });
    await appended(there, 3);
    const successor = await there.node("node-b").takeover("s-1");
    expect(successor.continuity).toMatchObject({ estimatedDataLossEvents: 2, loss: "at_most", met: false });
  });

  it("knows that nothing is missing of a session that was let go", async () => {
    const there = world({ backend: snapshotOnly("pg", 3) });
    await (await appended(there, 5)).close();
    const successor = await there.node("node-b").open("s-1");
    expect(successor.continuity).toMatchObject({ estimatedDataLossEvents: 0, loss: "exact" });
    expect(successor.state).toHaveLength(5);
  });

  it("counts acknowledged entries that a store has lost although it keeps a journal", async () => {
    const there = world({ backend: journalOnly("pg") });
    await appended(there, 2);
    const successor = await there.node("node-b").takeover("s-1", { acknowledged: { epoch: 1n, seq: 9 } });
    // Some of the seven may have been records of the session's own.
    expect(successor.continuity).toMatchObject({ estimatedDataLossEvents: 7, loss: "at_most", met: false });
  });
});

describe("a session that is not live", () => {
  it("takes no entries after a crash until it is reconnected", async () => {
    const { session } = await sessionS();
    await say(session, "one");
    await session.crash("bug");
    expect(session.lifecycle).toBe("crashed");
    expect(await refusalOf(session.append("two"))).toMatchObject({ code: "not_live" });
    await session.restart();
    expect(session.lifecycle).toBe("disconnected");
    expect(await refusalOf(session.append("two"))).toMatchObject({ code: "not_live" });
    await session.reconnect({ route: "/elsewhere" });
    await say(session, "two");
    expect([session.state, session.route]).toEqual([["one", "two"], "/elsewhere"]);
  });

  it("takes no entries after a takeover by hand until it is reconnected, although the journal says it is live", async () => {
    const { session, node } = await sessionS();
    await say(session, "one");
    const taken = await node("node-b").takeover("s-1", { reconnect: false });
    expect([taken.lifecycle, taken.state]).toEqual(["live", ["one"]]);
    expect(await refusalOf(taken.append("two"))).toMatchObject({ code: "not_live" });
    expect((await node("reader").inspect("s-1")).seq).toBe(1);
    await taken.reconnect();
    await say(taken, "two");
    expect(taken.seq).toBe(4);
  });

  it("leaves no entry for the takeover itself", async () => {
    const { session, node } = await sessionS();
    await node("node-b").takeover("s-1", { reconnect: false });
    expect((await node("reader").inspect("s-1")).seq).toBe(session.seq);
  });
});

describe("reconnect", () => {
  it.each<[ResumePolicy, Words, number]>([
    ["resume", ["one", "two"], 2],
    ["rehydrate", ["one", "two"], 2],
    ["remount", [], 0],
  ])("%s gives the state that the store gives to a successor too", async (policy, state, counter) => {
    for (const backend of [snapshotOnly("m", 3), journalOnly("m"), snapshotJournal("m", "m", 2)]) {
      const there = world({ backend });
      const session = await there.node("node-a").open("s-1");
      await say(session, "one", "two");
      await session.reconnect({ policy });
      expect(session.state).toEqual(state);
      expect(session.model.snapshot.counter).toBe(counter);
      await say(session, "three");
      await session.close();
      const successor = await there.node("node-b").open("s-1");
      expect(successor.state).toEqual([...state, "three"]);
      expect(successor.model.snapshot.counter).toBe(counter + 1);
    }
  });

  it("reports no loss where nothing failed, although snapshots alone lack entries", async () => {
    const there = world({ backend: snapshotOnly("m", 3), maxDataLossEvents: 0 });
    const session = await there.node("node-a").open("s-1");
    await say(session, "one", "two");
    expect(session.continuityReport(0, 0).estimatedDataLossEvents).toBe(2);
    expect(await session.reconnect({ policy: "resume" })).toMatchObject({ estimatedDataLossEvents: 0, met: true });
    expect(session.continuityReport(0, 0).estimatedDataLossEvents).toBe(0);
  });

  it("finds that rehydration is of no use to an owner that was taken over", async () => {
    const { session, node } = await sessionS();
    await say(session, "one");
    await node("node-b").takeover("s-1");
    expect(await refusalOf(session.reconnect({ policy: "rehydrate" }))).toMatchObject({ code: "fenced" });
    expect(session.signal.aborted).toBe(true);
  });

  it("keeps policy and budgets of the node that made the session", async () => {
    const [store, oracle] = [new MemoryJournalStore(), new TestOracle()];
    await testNode("node-a", store.open(), oracle, { continuitySloMs: 7, resumePolicy: "resume" }).manager.open("s-1");
    const b = testNode("node-b", store.open(), oracle, { maxDataLossEvents: 1 });
    const taken = await b.manager.takeover("s-1");
    expect(taken.model).toMatchObject({ resumePolicy: "resume", continuitySloMs: 7, maxDataLossEvents: 0 });
  });
});
