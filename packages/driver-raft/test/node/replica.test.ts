// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { epochOfTerm } from "../../src/node/machine/machine.ts";
import { memberOf, ReplicaCluster, storageIdOf, type TestNode } from "./replica-cluster.ts";

const answerOf = (node: TestNode, id: number) => node.answers.get(id);
const advanced = (highWater: number) => ({ ok: true, outcome: { kind: "advanced", highWater } });
const others = (cluster: ReplicaCluster, than: TestNode) => [...cluster.nodes.keys()].filter((id) => id !== than.id);

describe("a replica", () => {
  it("S4: reigns only when its no-op and the pins of all first members are applied", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const { machine } = leader.replica;
    expect([1, 2, 3].map((id) => machine.member(id)?.storageId)).toEqual([1, 2, 3].map(storageIdOf));
    const reigns = leader.said.filter(({ role }) => role === "leader");
    expect(reigns).toHaveLength(1);
  });

  it("raises the high-water on a majority, and every node applies it", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const id = cluster.advance(leader, 500);
    expect(answerOf(leader, id)).toBeUndefined();
    cluster.deliver();
    expect(answerOf(leader, id)).toEqual(advanced(500));
    cluster.tick();
    for (const { replica } of cluster.nodes.values()) expect(replica.machine.highWater).toBe(500);
  });

  it("needs nobody else when it is alone", () => {
    const cluster = new ReplicaCluster(1);
    const leader = cluster.elect();
    const id = cluster.advance(leader, 9);
    expect(answerOf(leader, id)).toEqual(advanced(9));
    const read = cluster.read(leader);
    expect(leader.readable.has(read)).toBe(true);
    cluster.tick();
    expect(leader.renewals.at(-1)?.mark.wallMs).toBe(cluster.nowMs);
  });

  it("S3: refuses an epoch that is not the one it reigns in, and proposes nothing", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const before = leader.replica.status().hardState.commit;
    const [follower] = others(cluster, leader).map((id) => cluster.node(id));
    if (follower === undefined) throw new Error("three nodes have two followers");
    const stale = cluster.advance(leader, 7, epochOfTerm(0));
    const elsewhere = cluster.advance(follower, 7, cluster.epochOf(leader));
    cluster.tick(3);
    expect(answerOf(leader, stale)).toMatchObject({ ok: false, refusal: { code: "not_leader" } });
    expect(answerOf(follower, elsewhere)).toMatchObject({ ok: false, refusal: { code: "not_leader" } });
    expect(leader.replica.machine.highWater).toBe(0);
    expect(leader.replica.status().hardState.commit).toBe(before);
  });

  it("S5: has one advance in the log, and merges what comes meanwhile into the next", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const before = leader.replica.applied;
    const ids = [100, 300, 200, 50].map((atLeast) => cluster.advance(leader, atLeast));
    cluster.deliver();
    expect(ids.map((id) => answerOf(leader, id))).toEqual([advanced(100), ...[300, 300, 300].map(advanced)]);
    expect(leader.replica.applied).toBe(before + 2);
  });

  it("says that an outcome is unknown when leadership is lost before the entry is committed", () => {
    const cluster = new ReplicaCluster(3);
    const old = cluster.elect();
    const rest = others(cluster, old);
    old.deaf = true;
    cluster.lost.add("MsgApp");
    const id = cluster.advance(old, 700);
    const waits = cluster.advance(old, 800);
    cluster.deliver();
    cluster.lost.clear();
    cluster.tick(30, [old.id]);
    expect(answerOf(old, id)).toMatchObject({ ok: false, refusal: { code: "uncertain" } });
    expect(answerOf(old, waits)).toMatchObject({ ok: false, refusal: { code: "not_leader" } });
    const next = cluster.elect(rest);
    old.deaf = false;
    const higher = cluster.advance(next, 900);
    cluster.tick(5);
    expect(answerOf(next, higher)).toEqual(advanced(900));
    for (const { replica } of cluster.nodes.values()) expect(replica.machine.highWater).toBe(900);
    expect(next.replica.reign).toBeGreaterThan(1);
  });

  it("keeps what it acknowledged over a restart of every node", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const id = cluster.advance(leader, 1234);
    cluster.deliver();
    expect(answerOf(leader, id)).toEqual(advanced(1234));
    for (const one of cluster.nodes.keys()) cluster.restart(one);
    const next = cluster.elect();
    expect(next.replica.machine.highWater).toBe(1234);
  });

  it("Q4: neither votes nor stands for one election timeout after its start", () => {
    const cluster = new ReplicaCluster(3);
    const old = cluster.elect();
    const [voter = 0, candidate = 0] = others(cluster, old);
    cluster.tick(2);
    cluster.restart(voter);
    // The candidate has not heard the leader for long, the voter has, but has forgotten it.
    cluster.node(candidate).deaf = true;
    cluster.tick(25, [candidate]);
    cluster.node(candidate).deaf = false;
    cluster.tick(9, [candidate, voter]);
    expect(cluster.node(candidate).replica.reign).toBeUndefined();
    expect(cluster.node(voter).replica.status().hardState.term).toBe(old.replica.reign);
  });

  it("Q1: a read sees what was decided before it, also at a follower, and none without a majority", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const [follower = 0, third = 0] = others(cluster, leader);
    cluster.node(follower).deaf = true;
    cluster.advance(leader, 77);
    cluster.deliver();
    expect(leader.replica.machine.highWater).toBe(77);
    cluster.node(follower).deaf = false;
    const reader = cluster.node(follower);
    const read = cluster.read(reader);
    cluster.tick(4);
    expect(reader.readable.has(read)).toBe(true);
    expect(reader.replica.machine.highWater).toBe(77);
    for (const id of [follower, third]) cluster.node(id).deaf = true;
    const alone = cluster.read(leader);
    cluster.tick(5, [leader.id]);
    expect(leader.readable.has(alone)).toBe(false);
  });

  it("Q1: reads that come while a round is under way share the next, and none joins an earlier one", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const first = cluster.read(leader);
    const later = [cluster.read(leader), cluster.read(leader)];
    expect(leader.readable.size).toBe(0);
    cluster.deliver();
    for (const id of [first, ...later]) expect(leader.readable.has(id)).toBe(true);
  });

  it("Q2: counts its lease from before the newest round that a majority answered was sent", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    cluster.tick(3);
    const fresh = leader.renewals.at(-1);
    expect(fresh).toMatchObject({ term: leader.replica.reign, mark: { wallMs: cluster.nowMs } });
    for (const id of others(cluster, leader)) cluster.node(id).deaf = true;
    const count = leader.renewals.length;
    cluster.tick(3);
    expect(leader.renewals).toHaveLength(count);
    const [back = 0] = others(cluster, leader);
    cluster.node(back).deaf = false;
    cluster.tick(2);
    expect(leader.renewals.at(-1)?.mark.wallMs).toBe(cluster.nowMs);
  });

  it("E12: hands over at once, and the old reign is over before the new one is asked for", () => {
    const cluster = new ReplicaCluster(3);
    const old = cluster.elect();
    cluster.tick(2);
    const term = old.replica.reign ?? 0;
    expect(old.replica.transfer()).toBe(true);
    expect(old.replica.reign).toBeUndefined();
    expect(old.said.at(-1)?.role).toBe("unknown");
    cluster.deliver();
    const next = [...cluster.nodes.values()].find(({ replica }) => replica.reign !== undefined);
    expect(next?.id).not.toBe(old.id);
    expect(next?.replica.reign).toBe(term + 1);
    expect(old.replica.transfer()).toBe(false);
  });

  it("E12: never reigns again in a term that it wanted to hand over, though nobody took it", () => {
    const cluster = new ReplicaCluster(3);
    const old = cluster.elect();
    cluster.tick(2);
    const term = old.replica.reign ?? 0;
    cluster.lost.add("MsgTimeoutNow");
    old.replica.transfer();
    cluster.tick(10);
    expect(old.said.filter((state) => state.role === "leader" && state.term === term)).toHaveLength(1);
    const next = cluster.elect();
    expect(next.replica.reign).toBeGreaterThan(term);
  });

  it("resigns when nobody can take over: the reign ends, and a node that is alone begins another", () => {
    const cluster = new ReplicaCluster(1);
    const alone = cluster.elect();
    const term = alone.replica.reign ?? 0;
    expect(alone.replica.resign()).toBe(false);
    expect(alone.replica.reign).toBeUndefined();
    const late = cluster.advance(alone, 3, epochOfTerm(term));
    expect(answerOf(alone, late)).toMatchObject({ ok: false, refusal: { code: "not_leader" } });
    expect(cluster.elect().replica.reign).toBeGreaterThan(term);
  });

  it("resigns once: asked again, it lets the hand-over that is under way go on", () => {
    const cluster = new ReplicaCluster(3);
    const old = cluster.elect();
    cluster.tick(2);
    const term = old.replica.reign ?? 0;
    expect(old.replica.resign()).toBe(true);
    expect(old.replica.resign()).toBe(false);
    cluster.deliver();
    expect([...cluster.nodes.values()].some(({ replica }) => replica.reign === term + 1)).toBe(true);
  });

  it("E13, E11: brings a node that missed more than the log holds up to date with a snapshot", () => {
    const cluster = new ReplicaCluster(3, { snapshotEntries: 10, trailingEntries: 2 });
    const leader = cluster.elect();
    const [away = 0] = others(cluster, leader);
    cluster.node(away).deaf = true;
    for (let atLeast = 1; atLeast <= 40; atLeast++) {
      cluster.advance(leader, atLeast);
      cluster.deliver();
    }
    expect(leader.replica.machine.highWater).toBe(40);
    cluster.node(away).deaf = false;
    cluster.tick(10);
    expect(cluster.node(away).replica.machine.highWater).toBe(40);
    cluster.restart(away);
    expect(cluster.node(away).replica.machine.highWater).toBe(40);
  });

  it("E13: keeps the log within its size also when entries are large, and does not take a snapshot for each of them", () => {
    const limit = 512 * 1024;
    const cluster = new ReplicaCluster(3, { snapshotBytes: limit, snapshotEntries: 1_000, trailingEntries: 100 });
    const leader = cluster.elect();
    const holder = new Uint8Array(128);
    const lease = { holder, holderEpoch: 1n, ttlMs: 1n, tsUpperBound: 1n, expiresAtMs: 1n, superseded: false };
    const live = Array.from({ length: 200 }, (_, index) => ({ ...lease, leaseId: BigInt(index + 1) }));
    const snapshots = new Set<string>();
    for (let index = 0; index < 60; index++) {
      leader.replica.propose(5_000 + index, { kind: "leases", epoch: cluster.epochOf(leader), live });
      cluster.deliver();
      for (const name of leader.directory.list()) if (name.startsWith("snapshot-")) snapshots.add(name);
    }
    const sizes = leader.directory
      .list()
      .filter((name) => name.startsWith("wal-"))
      .map((name) => leader.directory.open(name).size());
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(2 * limit);
    expect(snapshots.size).toBeLessThan(12);
  });

  it("gives out sequence blocks once each, in the order of the log", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const ids = [3, 2, 4].map((count) => cluster.take(leader, "orders", count));
    cluster.deliver();
    expect(ids.map((id) => answerOf(leader, id))).toEqual(
      [0n, 3n, 5n].map((start) => ({ ok: true, outcome: { kind: "sequences", starts: [start] } })),
    );
  });
});

describe("membership of a replica", () => {
  const learner = (id: number) => ({
    type: "ConfChangeAddLearnerNode" as const,
    id,
    member: { ...memberOf(id), storageId: storageIdOf(id) },
  });

  it("M1, M4: adds a learner, promotes it, hands over to it and removes the old leader", () => {
    const cluster = new ReplicaCluster(3);
    const old = cluster.elect();
    cluster.tick(2);
    cluster.advance(old, 55);
    cluster.join(4);
    const done = { ok: true, outcome: { kind: "noop" } };
    const add = cluster.change(old, learner(4));
    cluster.tick(5);
    expect(answerOf(old, add)).toEqual(done);
    expect(cluster.node(4).replica.machine.highWater).toBe(55);
    const promote = cluster.change(old, { type: "ConfChangeAddNode", id: 4 });
    cluster.tick(3);
    expect(answerOf(old, promote)).toEqual(done);
    const self = cluster.change(old, { type: "ConfChangeRemoveNode", id: old.id });
    expect(answerOf(old, self)).toMatchObject({
      refusal: { message: expect.stringContaining("transfer leadership first") },
    });
    expect(old.replica.transfer(4)).toBe(true);
    cluster.tick(3);
    const next = cluster.node(4);
    expect(next.replica.reign).toBeGreaterThan(1);
    const remove = cluster.change(next, { type: "ConfChangeRemoveNode", id: old.id });
    cluster.tick(3);
    expect(answerOf(next, remove)).toEqual(done);
    expect(next.replica.members().map(({ id, role }) => `${id} ${role}`)).toEqual(
      [1, 2, 3, 4].filter((id) => id !== old.id).map((id) => `${id} voter`),
    );
    cluster.remove(old.id);
    const after = cluster.advance(next, 66);
    cluster.tick(2);
    expect(answerOf(next, after)).toEqual(advanced(66));
  });

  it("is idempotent by id, and says what cannot be done before anything is proposed", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    cluster.tick(2);
    const ask = (request: Parameters<ReplicaCluster["change"]>[1]) => {
      const id = cluster.change(leader, request);
      cluster.tick(3);
      return answerOf(leader, id);
    };
    const refused = (message: string) => ({
      ok: false,
      refusal: { code: "refused", message: expect.stringContaining(message) },
    });
    const done = { ok: true, outcome: { kind: "noop" } };
    expect(ask({ type: "ConfChangeAddNode", id: 4 })).toMatchObject(refused("there is no member 4"));
    expect(ask(learner(4))).toEqual(done);
    expect(ask(learner(4))).toEqual(done);
    expect(ask({ ...learner(4), member: { ...learner(4).member, storageId: storageIdOf(5) } })).toMatchObject(
      refused("with another address or storage"),
    );
    expect(ask({ type: "ConfChangeAddNode", id: 4 })).toMatchObject(refused("learner 4 has entries up to 0"));
    expect(ask({ type: "ConfChangeRemoveNode", id: 4 })).toEqual(done);
    expect(ask({ type: "ConfChangeRemoveNode", id: 4 })).toEqual(done);
    expect(ask(learner(4))).toMatchObject(refused("was removed once and cannot come back"));
    expect(ask({ type: "ConfChangeRemoveNode", id: 9 })).toMatchObject(refused("there is no member 9"));
    expect(
      ask({ ...learner(5), member: { ...learner(5).member, peerEndpoint: memberOf(1).peerEndpoint } }),
    ).toMatchObject(refused("belongs to member 1"));
  });

  it("M2: takes one change at a time, and says so of the other", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    cluster.tick(2);
    const first = cluster.change(leader, learner(4));
    const second = cluster.change(leader, learner(5));
    cluster.tick(3);
    expect(answerOf(leader, first)).toEqual({ ok: true, outcome: { kind: "noop" } });
    expect(answerOf(leader, second)).toMatchObject({ ok: false, refusal: { code: "transient" } });
    expect(leader.replica.members().map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  });

  it("M5: never removes the last voter", () => {
    const cluster = new ReplicaCluster(1);
    const leader = cluster.elect();
    const id = cluster.change(leader, { type: "ConfChangeRemoveNode", id: 1 });
    expect(answerOf(leader, id)).toMatchObject({ refusal: { message: expect.stringContaining("last voter") } });
  });
});
