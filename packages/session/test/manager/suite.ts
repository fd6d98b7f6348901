// SPDX-License-Identifier: Apache-2.0
import type { JournalFaultName, JournalSubject } from "@tsoracle/conformance";
import { JournalError } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import {
  hmacTokens,
  journalOnly,
  plainTokens,
  snapshotJournal,
  snapshotOnly,
  snapshotSignature,
  valid,
} from "../../src/index.ts";
import { Rig, reasonOf, refusalOf, say } from "./rig.ts";

const LIMIT = 120_000;

/**
 * What a `SessionManager` does on a store: the rows G1 to G10 of `fencing-quorum-sessions.md` 6.6 and the faults of a
 * store, each on a fresh one. A fault that the store cannot have is left out, as its subject says.
 */
export function sessionManagerSuite(subject: JournalSubject): void {
  const has = (fault: JournalFaultName): boolean => subject.faults.includes(fault);
  describe(`sessions on ${subject.name}: ownership`, { timeout: LIMIT }, () => ownership(subject));
  describe(`sessions on ${subject.name}: recovery`, { timeout: LIMIT }, () => {
    recovery(subject);
    if (has("crash")) crashes(subject);
    if (has("tornTail")) torn(subject);
    if (has("corrupt")) rotten(subject);
  });
  describe(`sessions on ${subject.name}: doubt`, { timeout: LIMIT }, () => {
    if (has("loseReply")) lostReplies(subject);
    if (has("stall")) stalls(subject);
    if (has("partition") && subject.nodes > 1) partitions(subject);
  });
}

function ownership(subject: JournalSubject): void {
  it("G1: refuses an owner that was taken over, writes nothing of it, and drops the session there", async () => {
    await using rig = await Rig.of(subject);
    const [a, b] = [await rig.manager(0), await rig.manager(1)];
    const old = await a.manager.open("room");
    await say(old, "one", "two");
    const now = await b.manager.takeover("room");
    const before = await rig.stored("room");
    const refused = await refusalOf(old.append("late"));
    expect(refused).toMatchObject({ name: "SessionManagerError", code: "fenced", current: { owner: "node-b" } });
    expect(await rig.stored("room")).toEqual(before);
    expect(old.signal.aborted).toBe(true);
    for (const call of [old.append("again"), old.snapshot(), old.confirm(), old.close()]) {
      expect(await refusalOf(call)).toBe(refused);
    }
    expect(reasonOf(old)).toBe(refused);
    expect(a.manager.sessions).toEqual([]);
    await say(now, "three");
    expect(now.state).toEqual(["one", "two", "three"]);
  });

  it.each(["right", "forged"] as const)("G3: lets one of two claims of one epoch win, with %s token", async (kind) => {
    await using rig = await Rig.of(subject);
    const [a, b, c] = [await rig.manager(0), await rig.manager(1), await rig.manager(2)];
    await a.manager.open("room");
    const won = await b.manager.claimFor("room");
    const token = kind === "right" ? plainTokens.expected("room", "node-c", won.epoch) : won.token;
    await b.manager.takeover("room", { claim: won });
    const refused = await refusalOf(
      c.manager.takeover("room", { claim: { owner: "node-c", epoch: won.epoch, token } }),
    );
    expect(refused).toMatchObject({
      code: kind === "right" ? "reused_epoch" : "forged_claim",
      ownership: { kind: "split_brain", currentOwner: "node-b", requestedOwner: "node-c" },
    });
    expect(c.events).toMatchObject([{ kind: "claim_refused", alarm: true, error: { kind: "split_brain" } }]);
    expect((await rig.stored("room")).fence).toEqual({ owner: "node-b", epoch: won.epoch });
  });

  it("G3: lets the store decide between claims of one epoch that are made at one time", async () => {
    await using rig = await Rig.of(subject);
    const [a, b, c] = [await rig.manager(0), await rig.manager(1), await rig.manager(2)];
    await a.manager.open("room");
    const epoch = (await b.manager.claimFor("room")).epoch;
    const outcomes = await Promise.allSettled(
      [b, c].map(({ manager }) => {
        const claim = { owner: manager.node, epoch, token: plainTokens.expected("room", manager.node, epoch) };
        return manager.takeover("room", { claim });
      }),
    );
    const winners = outcomes.flatMap((one, index) => (one.status === "fulfilled" ? [["node-b", "node-c"][index]] : []));
    expect(winners).toHaveLength(1);
    expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "reused_epoch" } });
    expect((await rig.stored("room")).fence).toEqual({ owner: winners[0], epoch });
  });

  it("G4: tells a number that is taken from a lost fence", async () => {
    await using rig = await Rig.of(subject);
    const { manager, events } = await rig.manager(0);
    const session = await manager.open("room");
    await say(session, "one");
    const twin = await rig.journal(0);
    const [bytes] = (await twin.load("room")).entries.map(({ entry }) => entry);
    await twin.append("room", session.fence, 2, bytes ?? new Uint8Array(), 1n);
    const refused = await refusalOf(session.append("two"));
    expect(refused).toMatchObject({ code: "out_of_step", cause: { name: "JournalError", code: "conflict" } });
    expect(reasonOf(session)).toBe(refused);
    expect(events.at(-1)).toMatchObject({ kind: "dropped", alarm: true });
    expect((await rig.stored("room")).nextSeq).toBe(3);
  });

  it("E5 to E9: answers claims as the model does, in its order, and changes nothing where it refuses", async () => {
    await using rig = await Rig.of(subject);
    rig.oracle.advanceTo(99n);
    const tokens = hmacTokens(new Uint8Array(32).fill(7));
    const a = await rig.manager(0, { tokens });
    const b = await rig.manager(1, { tokens });
    await a.manager.open("room");
    const before = await rig.stored("room");
    const claim = (epoch: bigint, scheme = tokens): Promise<unknown> =>
      refusalOf(
        b.manager.takeover("room", {
          claim: { owner: "node-b", epoch, token: scheme.expected("room", "node-b", epoch) },
        }),
      );
    expect(await claim(0n)).toMatchObject({ code: "stale_owner", ownership: { currentEpoch: 100n } });
    expect(await claim(99n, plainTokens)).toMatchObject({ code: "stale_owner" });
    expect(await claim(100n)).toMatchObject({ code: "reused_epoch" });
    expect(await claim(100n, plainTokens)).toMatchObject({ code: "forged_claim" });
    expect(await claim(101n, plainTokens)).toMatchObject({ code: "wrong_hmac" });
    expect(await claim(101n, hmacTokens(new Uint8Array(32).fill(8)))).toMatchObject({ code: "wrong_hmac" });
    expect(await rig.stored("room")).toEqual(before);
    const session = await b.manager.takeover("room", { claim: await a.manager.claimFor("room", "node-b") });
    expect(session.fence).toMatchObject({ owner: "node-b", epoch: 101n });
  });

  it("refuses to begin anew under the epoch of an earlier process of the same node", async () => {
    await using rig = await Rig.of(subject);
    const [a, again] = [await rig.manager(0), await rig.manager(0)];
    const { fence } = await a.manager.open("room");
    expect(await refusalOf(again.manager.takeover("room", { claim: fence }))).toMatchObject({ code: "reused_epoch" });
  });

  it("opens what nobody else has, and nothing else", async () => {
    await using rig = await Rig.of(subject);
    const [a, b, c] = [await rig.manager(0), await rig.manager(1), await rig.manager(2)];
    const first = await a.manager.open("room");
    expect(await refusalOf(b.manager.open("room"))).toMatchObject({
      code: "owned_elsewhere",
      current: { owner: "node-a" },
    });
    await first.handOff("node-b");
    expect(await refusalOf(c.manager.open("room"))).toMatchObject({ code: "owned_elsewhere" });
    expect(await refusalOf(a.manager.open("room"))).toMatchObject({ code: "owned_elsewhere" });
    const second = await b.manager.open("room");
    expect(await refusalOf(a.manager.open("room"))).toMatchObject({ current: { owner: "node-b" } });
    await second.close();
    expect((await c.manager.open("room")).fence.epoch).toBeGreaterThan(second.fence.epoch);
  });

  it("opens a session that was let go on one of the nodes that ask at one time, and leaves it there", async () => {
    await using rig = await Rig.of(subject);
    for (const id of ["one", "two", "three"]) {
      const nodes = [await rig.manager(0), await rig.manager(1), await rig.manager(2)];
      const managers = nodes.map(({ manager }) => manager);
      const first = await (await rig.manager(0)).manager.open(id);
      await say(first, "before");
      expect(await first.close()).toMatchObject({ released: true });
      const asked = await Promise.allSettled(managers.map((manager) => manager.open(id)));
      const opened = asked.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
      const refused = asked.flatMap((answer) => (answer.status === "rejected" ? [answer.reason.code] : []));
      expect([opened.length, refused]).toEqual([1, ["owned_elsewhere", "owned_elsewhere"]]);
      for (const session of opened) {
        await say(session, "after");
        expect(session.state).toEqual(["before", "after"]);
      }
    }
  });

  it("has no session that nobody made", async () => {
    await using rig = await Rig.of(subject);
    const { manager } = await rig.manager(0);
    expect(await refusalOf(manager.takeover("room"))).toMatchObject({ name: "JournalError", code: "unknown_session" });
    expect(await refusalOf(manager.inspect("room"))).toMatchObject({ code: "unknown_session" });
  });
}

function recovery(subject: JournalSubject): void {
  it.each([
    ["snapshots alone", snapshotOnly("store", 3)],
    ["a journal alone", journalOnly("store")],
    ["both", snapshotJournal("store", "store", 3)],
  ])("loses exactly what it reports, with %s", async (_what, backend) => {
    await using rig = await Rig.of(subject);
    const [a, b] = [await rig.manager(0, { backend }), await rig.manager(1, { backend })];
    const spoken = ["one", "two", "three", "four", "five"];
    const session = await a.manager.open("room");
    await say(session, ...spoken);
    const reported = session.continuityReport(0, 0).estimatedDataLossEvents;
    const successor = await b.manager.takeover("room", {
      acknowledged: { epoch: session.fence.epoch, seq: session.seq },
    });
    expect(successor.state).toEqual(spoken.slice(0, spoken.length - reported));
    expect(successor.continuity).toMatchObject({ estimatedDataLossEvents: reported, loss: "exact" });
    expect(reported).toBe(backend.kind === "snapshot_only" ? 2 : 0);
  });

  it("G8: recovers to the same signature whether or not entries went into a snapshot", async () => {
    await using rig = await Rig.of(subject);
    const signatures = [];
    for (const [id, backend] of [
      ["kept", journalOnly("store")],
      ["compacted", snapshotJournal("store", "store", 2)],
    ] as const) {
      const { manager } = await rig.manager(0, { backend });
      const session = await manager.open(id, { route: "/room" });
      await say(session, "one", "two", "three", "four", "five");
      await session.crash("oom");
      const { model } = await manager.inspect(id);
      expect(valid(model, plainTokens)).toBe(true);
      expect(snapshotSignature(model.snapshot)).toBe(snapshotSignature(session.model.snapshot));
      const { owner, epoch } = session.fence;
      signatures.push(snapshotSignature(model.snapshot).replace(id, "id").replace(String(epoch), `${owner}'s`));
      session.abandon();
    }
    expect(signatures[0]).toBe(signatures[1]);
    expect((await rig.stored("compacted")).entries.length).toBeLessThan(6);
  });

  it("G9: has the same fence after the store was closed and opened", async () => {
    await using rig = await Rig.of(subject);
    const a = await rig.manager(0);
    const session = await a.manager.open("room");
    await say(session, "one");
    session.abandon();
    await rig.shutDown();
    const b = await rig.manager(1);
    expect((await b.manager.inspect("room")).owner).toEqual({ owner: "node-a", epoch: session.fence.epoch });
    const { owner, epoch } = { owner: "node-b", epoch: session.fence.epoch - 1n };
    const claim = { owner, epoch, token: plainTokens.expected("room", owner, epoch) };
    expect(await refusalOf(b.manager.takeover("room", { claim }))).toMatchObject({ code: "stale_owner" });
    expect((await b.manager.takeover("room")).state).toEqual(["one"]);
  });

  it("G10: changes nothing while the oracle is away, and takes over above every earlier epoch when it is back", async () => {
    await using rig = await Rig.of(subject);
    const [a, b] = [await rig.manager(0), await rig.manager(1)];
    const session = await a.manager.open("room");
    await say(session, "one");
    const before = await rig.stored("room");
    rig.oracle.away = new Error("no leader");
    expect(await refusalOf(b.manager.takeover("room"))).toMatchObject({
      code: "oracle_unavailable",
      cause: rig.oracle.away,
    });
    expect(await refusalOf(b.manager.open("other"))).toMatchObject({ code: "oracle_unavailable" });
    expect(await rig.stored("room")).toEqual(before);
    expect(await refusalOf(rig.stored("other"))).toMatchObject({ code: "unknown_session" });
    await say(session, "two");
    rig.oracle.away = undefined;
    const successor = await b.manager.takeover("room");
    expect(successor.fence.epoch).toBeGreaterThan(session.fence.epoch);
    expect(successor.state).toEqual(["one", "two"]);
  });

  it("refuses an entry that is too large, and goes on", async () => {
    await using rig = await Rig.of(subject);
    const { manager } = await rig.manager(0);
    const session = await manager.open("room");
    await say(session, "one");
    const large = "x".repeat((await rig.journal(0)).limits.maxEntryBytes);
    expect(await refusalOf(session.append(large))).toMatchObject({ name: "JournalError", code: "oversize" });
    await say(session, "two");
    expect(session.state).toEqual(["one", "two"]);
    expect((await manager.inspect("room")).state).toEqual(["one", "two"]);
  });
}

function crashes(subject: JournalSubject): void {
  it("G5: has what was acknowledged after a crash between an append and its snapshot", async () => {
    await using rig = await Rig.of(subject);
    const a = await rig.manager(0);
    const session = await a.manager.open("room");
    await say(session, "one", "two", "three", "four", "five");
    await rig.crash(0);
    const again = await rig.manager(0);
    const opened = await again.manager.open("room");
    expect(opened.state).toEqual(["one", "two", "three", "four", "five"]);
    expect(opened.recovery).toMatchObject({ created: false, previousOwner: "node-a" });
    await say(opened, "six");
    expect((await again.manager.inspect("room")).state).toHaveLength(6);
  });
}

function torn(subject: JournalSubject): void {
  it("G7: cuts off what a crash left of an append, and has every entry before it", async () => {
    await using rig = await Rig.of(subject);
    const a = await rig.manager(0);
    await say(await a.manager.open("room"), "one", "two");
    await rig.crash(0);
    await rig.faults.tornTail("room");
    const opened = await (await rig.manager(0)).manager.open("room");
    expect(opened.state).toEqual(["one", "two"]);
    await say(opened, "three");
    expect(opened.seq).toBe(5);
  });
}

function rotten(subject: JournalSubject): void {
  it("serves nothing of a journal that is damaged, and takes nothing over", async () => {
    await using rig = await Rig.of(subject);
    const a = await rig.manager(0, { backend: journalOnly("store") });
    await say(await a.manager.open("room"), "one", "two", "three", "four");
    await rig.crash(0);
    await rig.faults.corrupt("room");
    const b = await rig.manager(1, { backend: journalOnly("store") });
    expect(await refusalOf(b.manager.takeover("room"))).toMatchObject({ name: "JournalError", code: "permanent" });
    expect(b.events).toEqual([]);
    expect(b.manager.sessions).toEqual([]);
  });
}

function lostReplies(subject: JournalSubject): void {
  it("finds out by itself about an append whose answer was lost, and writes it once", async () => {
    await using rig = await Rig.of(subject);
    const { manager, events } = await rig.manager(0);
    const session = await manager.open("room");
    await say(session, "one");
    await rig.faults.loseReply(0);
    const answer = await session.append("two").catch((error: unknown) => error);
    if (answer instanceof Error) {
      // A store that trusts itself no longer says so; what it did is found when it is opened again.
      expect(answer).toMatchObject({ code: "uncertain", seq: 2 });
      await rig.crash(0);
      const opened = await (await rig.manager(0)).manager.open("room");
      expect(opened.state.slice(0, 1)).toEqual(["one"]);
      expect(opened.state.length).toBeLessThanOrEqual(2);
      return;
    }
    await say(session, "three");
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["uncertain", "settled"]));
    expect((await manager.inspect("room")).state).toEqual(["one", "two", "three"]);
  });
}

function stalls(subject: JournalSubject): void {
  it("says that an append into a stalled store is uncertain, and settles it when the store is back", async () => {
    await using rig = await Rig.of(subject);
    const { manager } = await rig.manager(0, { limits: { settleAttempts: 0 } });
    const session = await manager.open("room");
    await say(session, "one");
    const release = await rig.faults.stall(0);
    expect(await refusalOf(session.append("two"))).toMatchObject({ code: "uncertain", seq: 2 });
    expect(await refusalOf(session.append("three"))).toMatchObject({ code: "in_doubt" });
    expect(session.state).toEqual(["one"]);
    await release();
    await settled(session);
    await say(session, "four");
    expect(session.state).toEqual(["one", "two", "four"]);
    expect((await manager.inspect("room")).state).toEqual(session.state);
  });
}

function partitions(subject: JournalSubject): void {
  it("leaves what was acknowledged, and at most the one uncertain entry, when an owner is cut off and taken over", async () => {
    await using rig = await Rig.of(subject);
    const a = await rig.manager(0, { limits: { settleAttempts: 0 } });
    const b = await rig.manager(1);
    const old = await a.manager.open("room");
    await say(old, "one", "two");
    const heal = await rig.faults.partition(0);
    const unsure = await refusalOf(old.append("three"));
    expect(["uncertain", "transient"]).toContain(unsure.code);
    const now = await b.manager.takeover("room");
    expect(now.state.slice(0, 2)).toEqual(["one", "two"]);
    expect(now.state.length).toBeLessThanOrEqual(3);
    const taken = now.state;
    await say(now, "four");
    await heal();
    await refusedAsFenced(old);
    expect((await b.manager.inspect("room")).state).toEqual([...taken, "four"]);
    await now.confirm();
  });
}

/** A store that heals may need a few calls until its connections are back; none of them is a sleep. */
async function settled(session: { settle(): Promise<string> }): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return void (await session.settle());
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
}

async function refusedAsFenced(session: { confirm(): Promise<void> }): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const refused = await refusalOf(session.confirm());
    if (!(refused instanceof JournalError) || attempt === 20) {
      expect(refused).toMatchObject({ code: "fenced" });
      return;
    }
  }
}
