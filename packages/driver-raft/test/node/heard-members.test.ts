// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Handovers } from "../../src/node/handovers.ts";
import { HeardMembers } from "../../src/node/heard-members.ts";
import { ReplicaCluster, type TestNode } from "./replica-cluster.ts";

const T = 10;

function clusterOf(size: number): { cluster: ReplicaCluster; leader: TestNode; others: TestNode[] } {
  const cluster = new ReplicaCluster(size, { electionTicks: T });
  const leader = cluster.elect();
  cluster.tick(2 * T);
  return { cluster, leader, others: [...cluster.nodes.values()].filter((node) => node !== leader) };
}

function remove(cluster: ReplicaCluster, leader: TestNode, id: number, force?: boolean) {
  const request = cluster.change(leader, { type: "ConfChangeRemoveNode", id, force });
  cluster.deliver();
  return leader.answers.get(request);
}

const votersOf = ({ replica }: TestNode) => replica.members().map(({ id }) => id);

describe("whom a leader has heard", () => {
  it("ends an election timeout after the last word", () => {
    const heard = new HeardMembers(2);
    expect(heard.isHeard(1)).toBe(false);
    heard.note(1);
    for (const expected of [true, true, false]) {
      heard.tick();
      expect(heard.isHeard(1)).toBe(expected);
    }
    heard.note(1);
    heard.keep([{ id: 2 }]);
    expect(heard.isHeard(1)).toBe(false);
  });

  it("does not depend on when the core has checked its quorum last", () => {
    const { cluster, leader, others } = clusterOf(3);
    for (let tick = 0; tick < 3 * T; tick++) {
      cluster.nowMs += 100;
      // The leader counts its tick, and nobody has answered since.
      leader.replica.tick();
      for (const { id } of others) expect(leader.replica.checkTransfer(id)).toBeUndefined();
      cluster.deliver();
    }
  });
});

describe("removing a voter (M5)", () => {
  it("is refused while too few of those that are left are heard from, and changes nothing", () => {
    const { cluster, leader, others } = clusterOf(3);
    const [live, silent] = others as [TestNode, TestNode];
    silent.deaf = true;
    cluster.tick(T + 2);
    const answer = remove(cluster, leader, live.id);
    expect(answer).toMatchObject({ ok: false, refusal: { code: "refused", refusal: "would_lose_quorum" } });
    expect(JSON.stringify(answer)).toContain(`and ${silent.id} is not heard from`);
    cluster.tick(2);
    expect(votersOf(leader)).toEqual([1, 2, 3]);
  });

  it("is done all the same when it is forced", () => {
    const { cluster, leader, others } = clusterOf(3);
    const [live, silent] = others as [TestNode, TestNode];
    silent.deaf = true;
    cluster.tick(T + 2);
    remove(cluster, leader, live.id, true);
    cluster.tick(1);
    expect(votersOf(leader)).toEqual([leader.id, silent.id].sort());
  });

  it("takes the one that is silent, and a live one where enough others are heard", () => {
    const three = clusterOf(3);
    const silent = three.others[0] as TestNode;
    silent.deaf = true;
    three.cluster.tick(T + 2);
    remove(three.cluster, three.leader, silent.id);
    three.cluster.tick(1);
    expect(votersOf(three.leader)).not.toContain(silent.id);
    const five = clusterOf(5);
    const [live, quiet] = five.others as [TestNode, TestNode];
    quiet.deaf = true;
    five.cluster.tick(T + 2);
    remove(five.cluster, five.leader, live.id);
    five.cluster.tick(1);
    expect(votersOf(five.leader)).not.toContain(live.id);
  });

  it("waits where a new leader cannot know yet who lives", () => {
    const cluster = new ReplicaCluster(3, { electionTicks: T });
    cluster.node(3).deaf = true;
    const leader = cluster.elect([1, 2]);
    expect(remove(cluster, leader, 3 - leader.id)).toMatchObject({ ok: false, refusal: { code: "transient" } });
    cluster.tick(2 * T, [1, 2]);
    expect(remove(cluster, leader, 3 - leader.id)).toMatchObject({ refusal: { refusal: "would_lose_quorum" } });
  });
});

describe("handing leadership over (E12)", () => {
  it("is refused for a voter that is not heard from, and the reign goes on", () => {
    const { cluster, leader, others } = clusterOf(3);
    const [live, silent] = others as [TestNode, TestNode];
    silent.deaf = true;
    cluster.tick(T + 2);
    const { reign } = leader.replica;
    expect(leader.replica.checkTransfer(silent.id)).toMatchObject({ code: "transient" });
    expect(leader.replica.transfer(silent.id)).toBe(false);
    cluster.tick(2 * T);
    expect(leader.replica.reign).toBe(reign);
    expect(leader.replica.transfer(live.id)).toBe(true);
    cluster.deliver();
    expect(live.replica.reign).toBeGreaterThan(reign ?? 0);
  });

  it("says why else it cannot be", () => {
    const { leader, others } = clusterOf(3);
    expect(leader.replica.checkTransfer(leader.id)).toMatchObject({ refusal: "leads" });
    expect(leader.replica.checkTransfer(9)).toMatchObject({ refusal: "not_member" });
    expect((others[0] as TestNode).replica.checkTransfer(leader.id)).toMatchObject({ code: "not_leader" });
  });
});

describe("asking a leader to hand over", () => {
  it("waits right after an election for a word of the voter, and is refused when none comes", () => {
    const cluster = new ReplicaCluster(3, { electionTicks: T });
    cluster.node(3).deaf = true;
    const leader = cluster.elect([1, 2]);
    const said: unknown[] = [];
    const handovers = new Handovers(leader.replica, {
      answer: (id, answer) => said.push([id, answer]),
      value: (id, begun) => said.push([id, begun]),
    });
    handovers.ask(1, 3);
    handovers.ask(2, 3);
    handovers.forget(2);
    expect(said).toEqual([]);
    for (let tick = 0; tick < 2 * T; tick++) {
      cluster.tick(1, [1, 2]);
      handovers.tick();
    }
    expect(said).toEqual([[1, { ok: false, refusal: expect.objectContaining({ code: "transient" }) }]]);
    handovers.ask(3, 3 - leader.id);
    expect(said.at(-1)).toEqual([3, true]);
  });
});
