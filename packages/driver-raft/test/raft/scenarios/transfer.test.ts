// SPDX-License-Identifier: Apache-2.0
// Rule E12 of `raft.md`, forwarding and forgetting the leader.
import { describe, expect, it } from "vitest";
import { newConfChange } from "../../../src/raft/index.ts";
import { Group } from "./group.ts";
import { bytes, ofType, Peer } from "./peer.ts";

function ledGroup(options = {}): Group {
  const group = Group.of(3, options);
  group.campaign(1);
  return group;
}

describe("E12: leadership transfer", () => {
  it("a target that has everything is asked at once, and wins without a pre-vote", () => {
    const group = ledGroup({ preVote: true, checkQuorum: true });
    group.delivered.length = 0;
    group.peer(1).raw.transferLeader(2);
    group.settle();
    expect(group.leaders()).toEqual([2]);
    expect(group.delivered.filter((m) => m.type === "MsgPreVote")).toEqual([]);
    expect(group.peer(1).lead).toBe(2);
  });

  it("a target that lags behind gets what it lacks first", () => {
    const group = ledGroup();
    group.isolate(3);
    group.propose(1, "x");
    group.heal();
    const { raw } = group.peer(1);
    raw.reportUnreachable(3);
    raw.transferLeader(3);
    expect(ofType(group.peer(1).work(), "MsgTimeoutNow")).toEqual([]);
    raw.reportUnreachable(3);
    group.tick(1, 2);
    expect(group.leaders()).toEqual([3]);
    expect(group.peer(3).values).toEqual(["x"]);
  });

  it("proposals are dropped while it is under way, and taken again after T without success", () => {
    const group = ledGroup();
    group.lose((m) => m.type === "MsgTimeoutNow");
    group.peer(1).raw.transferLeader(2);
    group.settle();
    expect(group.peer(1).raw.basicStatus().leadTransferee).toBe(2);
    expect(group.propose(1, "x")).toBe("proposal_dropped");
    group.tick(1, 9);
    expect(group.propose(1, "x")).toBe("proposal_dropped");
    group.tick(1, 1);
    expect(group.propose(1, "x")).toBeUndefined();
    expect(group.leaders()).toEqual([1]);
  });

  it("a later wish for another target takes the place of the first", () => {
    const group = ledGroup();
    group.lose((m) => m.to === 2);
    group.peer(1).raw.transferLeader(2);
    group.settle();
    group.peer(1).raw.transferLeader(3);
    group.settle();
    expect(group.leaders()).toEqual([3]);
  });

  it("is refused to learners, strangers and the leader itself", () => {
    const peer = new Peer({ id: 1, learners: [4] });
    peer.win();
    for (const target of [4, 9, 1]) {
      peer.raw.transferLeader(target);
      expect(ofType(peer.work(), "MsgTimeoutNow")).toEqual([]);
      expect(peer.raw.basicStatus().leadTransferee).toBe(0);
    }
  });

  it("is given up when the target leaves the configuration", () => {
    const peer = new Peer({ id: 1 });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 3));
    peer.raw.transferLeader(3);
    peer.work();
    expect(peer.raw.basicStatus().leadTransferee).toBe(3);
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(peer.raw.basicStatus().leadTransferee).toBe(0);
  });

  it("a follower sends the wish on to the leader", () => {
    const group = ledGroup();
    group.peer(2).raw.transferLeader(2);
    group.settle();
    expect(group.leaders()).toEqual([2]);
  });

  it("who is asked but cannot be elected does not stand", () => {
    const peer = new Peer({ id: 4, learners: [4] });
    expect(peer.receive("MsgTimeoutNow", { from: 1, term: 1 })).toEqual([]);
    expect(peer.role).toBe("StateFollower");
  });
});

describe("proposals at followers", () => {
  it("go to the leader, or are dropped where that is off or nobody leads", () => {
    const group = ledGroup();
    expect(group.propose(2, "x")).toBeUndefined();
    expect(group.peer(1).values).toEqual(["x"]);
    const off = ledGroup({ disableProposalForwarding: true });
    expect(off.propose(2, "x")).toBe("proposal_dropped");
    const alone = new Peer({ id: 1 });
    expect(alone.raw.propose(bytes("x"))?.code).toBe("proposal_dropped");
    alone.tick(10);
    expect([alone.role, alone.raw.propose(bytes("x"))?.code]).toEqual(["StateCandidate", "proposal_dropped"]);
  });
});

describe("forgetting the leader", () => {
  it("a follower votes for others at once, in the same role and term, and hears the old leader again", () => {
    const peer = new Peer({ id: 1, checkQuorum: true });
    peer.receive("MsgHeartbeat", { from: 2, term: 1 });
    expect(peer.receive("MsgPreVote", { from: 3, term: 2 })).toEqual([]);
    peer.raw.forgetLeader();
    expect([peer.role, peer.term, peer.lead]).toEqual(["StateFollower", 1, 0]);
    expect(peer.receive("MsgPreVote", { from: 3, term: 2 })).toMatchObject([{ reject: false }]);
    peer.receive("MsgHeartbeat", { from: 2, term: 1 });
    expect(peer.lead).toBe(2);
  });

  it("is refused where reads trust the leader's lease, and means nothing to a leader", () => {
    const peer = new Peer({ id: 1, checkQuorum: true, readOnlyOption: "ReadOnlyLeaseBased" });
    peer.receive("MsgHeartbeat", { from: 2, term: 1 });
    peer.raw.forgetLeader();
    expect(peer.lead).toBe(2);
    const leading = new Peer({ id: 1 });
    leading.win();
    leading.raw.forgetLeader();
    expect([leading.role, leading.lead]).toEqual(["StateLeader", 1]);
  });
});

describe("messages that may not come from outside", () => {
  it("are refused by value", () => {
    const peer = new Peer({ id: 1 });
    const [own] = peer.tick(10);
    if (own === undefined) throw new Error("nothing was sent");
    for (const type of ["MsgHup", "MsgStorageAppendResp", "MsgCheckQuorum"] as const) {
      expect(peer.raw.step({ ...own, type, from: 2 })?.code).toBe("step_local_message");
    }
    expect(peer.raw.step({ ...own, type: "MsgAppResp", from: 9 })?.code).toBe("step_peer_not_found");
  });
});
