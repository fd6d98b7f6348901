// SPDX-License-Identifier: Apache-2.0
// Rules M1 to M5 of `raft.md`.
import { describe, expect, it } from "vitest";
import {
  type ConfChangeSingle,
  decodeConfChange,
  type NodeId,
  newConfChange,
  newConfChangeV2,
} from "../../../src/raft/index.ts";
import { Group } from "./group.ts";
import { ofType, Peer, type PeerOptions } from "./peer.ts";

function voter(nodeId: NodeId): ConfChangeSingle {
  return { type: "ConfChangeAddNode", nodeId };
}

function removed(nodeId: NodeId): ConfChangeSingle {
  return { type: "ConfChangeRemoveNode", nodeId };
}

function learner(nodeId: NodeId): ConfChangeSingle {
  return { type: "ConfChangeAddLearnerNode", nodeId };
}

function change(group: Group, at: NodeId, ...changes: ConfChangeSingle[]): void {
  expect(group.peer(at).raw.proposeConfChange(newConfChangeV2({ changes }))).toBeUndefined();
  group.settle();
}

function votersOf(peer: Peer): { incoming: NodeId[]; outgoing: NodeId[] } {
  const { incoming, outgoing } = peer.raw.status().config.voters;
  return { incoming: [...incoming].sort(), outgoing: [...outgoing].sort() };
}

/** The types of the entries that a leader has in its log above `index`. */
function typesAbove(peer: Peer, index: number): string[] {
  return peer
    .entries()
    .filter((entry) => entry.index > index)
    .map((entry) => (entry.type === "EntryNormal" ? "normal" : "change"));
}

function ledGroup(size: number, common: Omit<PeerOptions, "id"> = {}): Group {
  const group = Group.of(size, common);
  group.campaign(1);
  return group;
}

describe("M1: joint configurations and learners", () => {
  it("several steps at once need both majorities until the joint configuration is left", () => {
    const peer = new Peer({ id: 1 });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    peer.raw.proposeConfChange(
      newConfChangeV2({
        transition: "ConfChangeTransitionJointExplicit",
        changes: [voter(4), voter(5), removed(2), removed(3)],
      }),
    );
    peer.work();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(votersOf(peer)).toEqual({ incoming: [1, 4, 5], outgoing: [1, 2, 3] });
    peer.propose("x");
    for (const from of [4, 5]) peer.receive("MsgAppResp", { from, term: 1, index: 3 });
    expect(peer.commit).toBe(2);
    peer.receive("MsgAppResp", { from: 3, term: 1, index: 3 });
    expect(peer.commit).toBe(3);
  });

  it("the leader leaves by itself when that was asked for, and by a proposal when it was not", () => {
    for (const [transition, left] of [
      ["ConfChangeTransitionJointImplicit", true],
      ["ConfChangeTransitionJointExplicit", false],
    ] as const) {
      const group = ledGroup(3);
      group.peer(1).raw.proposeConfChange(newConfChangeV2({ transition, changes: [removed(3)] }));
      group.settle();
      expect(votersOf(group.peer(1)).outgoing).toEqual(left ? [] : [1, 2, 3]);
      group.peer(1).raw.proposeConfChange(newConfChangeV2());
      group.settle();
      expect(votersOf(group.peer(1))).toEqual({ incoming: [1, 2], outgoing: [] });
    }
  });

  it("an automatic leave that a transfer stood in the way of is made up for", () => {
    const group = ledGroup(3);
    group.lose((m) => m.to === 3 || m.type === "MsgTimeoutNow");
    const { raw } = group.peer(1);
    raw.proposeConfChange(newConfChangeV2({ transition: "ConfChangeTransitionJointImplicit", changes: [learner(4)] }));
    raw.transferLeader(3);
    group.settle();
    expect(votersOf(group.peer(1)).outgoing).toEqual([1, 2, 3]);
    group.heal();
    // The transfer is given up after T, and the next applied entry is the next occasion.
    group.peer(3).raw.campaign();
    group.lose((m) => m.to === 3 || m.from === 3);
    group.tick(1, 10);
    group.propose(1, "x");
    expect(votersOf(group.peer(1)).outgoing).toEqual([]);
  });

  it("the automatic leave is proposed once, however much is applied until it is committed", () => {
    const peer = new Peer({ id: 1, maxCommittedSizePerReady: 1 });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    peer.raw.proposeConfChange(
      newConfChangeV2({ transition: "ConfChangeTransitionJointImplicit", changes: [learner(4)] }),
    );
    for (const text of ["x", "y"]) peer.propose(text);
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 4 });
    expect(peer.values).toEqual(["x", "y"]);
    expect(typesAbove(peer, 1)).toEqual(["change", "normal", "normal", "change"]);
  });

  it("a new node is sent what it lacks as soon as the change is applied", () => {
    const peer = new Peer({ id: 1 });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeAddNode", 4));
    peer.work();
    const sent = peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(ofType(sent, "MsgApp").filter((m) => m.to === 4)).toHaveLength(1);
  });

  it("a learner gets everything and counts for nothing", () => {
    const group = ledGroup(3);
    change(group, 1, learner(4));
    group.add({ id: 4 });
    group.tick(1, 2);
    group.propose(1, "x");
    expect(group.peer(4).values).toEqual(["x"]);
    group.lose((m) => [2, 3].includes(m.from));
    group.propose(1, "y");
    expect(group.peer(1).values).toEqual(["x"]);
    group.peer(4).tick(30);
    expect(group.peer(4).role).toBe("StateFollower");
  });

  it("a learner that others know as a voter already votes", () => {
    const peer = new Peer({ id: 3, voters: [1, 2], learners: [3] });
    expect(peer.receive("MsgVote", { from: 1, term: 1 })).toMatchObject([{ type: "MsgVoteResp", reject: false }]);
  });
});

describe("M2: one change at a time, and only under an entry of the own term", () => {
  it("a new leader takes no change before it has applied what was in its log at the election", () => {
    const peer = new Peer({ id: 1, terms: [1], hardState: { term: 1, vote: 0, commit: 0 } });
    peer.win();
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 3));
    peer.work();
    expect(typesAbove(peer, 2)).toEqual(["normal"]);
    peer.receive("MsgAppResp", { from: 2, term: 2, index: 3 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 3));
    peer.work();
    expect(typesAbove(peer, 3)).toEqual(["change"]);
  });

  it("with the check, not before an entry of its own term is committed, even if all was applied before", () => {
    const peer = new Peer({ id: 1, checkConfChanges: true });
    peer.win();
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 3));
    peer.work();
    expect(typesAbove(peer, 1)).toEqual(["normal"]);
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 3));
    peer.work();
    expect(typesAbove(peer, 2)).toEqual(["change"]);
  });

  it("a second change is replaced by an empty entry until the first is applied", () => {
    const peer = new Peer({ id: 1 });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    for (const id of [4, 5]) peer.raw.proposeConfChange(newConfChange("ConfChangeAddLearnerNode", id));
    peer.work();
    expect(typesAbove(peer, 1)).toEqual(["change", "normal"]);
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 3 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeAddLearnerNode", 5));
    peer.work();
    expect(typesAbove(peer, 3)).toEqual(["change"]);
  });

  it("a change that does not fit the configuration is replaced by an empty entry", () => {
    const group = ledGroup(3);
    const { raw } = group.peer(1);
    raw.proposeConfChange(newConfChangeV2());
    group.settle();
    expect(typesAbove(group.peer(1), 1)).toEqual(["normal"]);
    raw.proposeConfChange(newConfChangeV2({ transition: "ConfChangeTransitionJointExplicit", changes: [learner(4)] }));
    group.settle();
    change(group, 1, learner(5));
    expect(typesAbove(group.peer(1), 2)).toEqual(["change", "normal"]);
  });

  // The finding of 2015: from {1,2,3,4}, leader 1 appends "add 5", which reaches nobody; leader 2 of the next term, which
  // knows nothing of it, appends "remove 1". If each counted by its own new configuration at once, {1,4,5} and {2,3}
  // would both be majorities.
  function twoLeaders(checks: Omit<PeerOptions, "id">): Group {
    const group = ledGroup(4, checks);
    group.isolate(1);
    change(group, 1, voter(5));
    group.campaign(2);
    expect(group.leaders()).toEqual([1, 2]);
    expect(typesAbove(group.peer(1), 1)).toEqual(["change"]);
    return group;
  }

  it("the bug of 2015: the second leader's change stays out while its term has committed nothing", () => {
    for (const [checks, appended] of [
      [{ checkConfChanges: true }, "normal"],
      [{ disableConfChangeValidation: true }, "change"],
    ] as const) {
      const group = ledGroup(4, checks);
      group.isolate(1);
      change(group, 1, voter(5));
      // Its no-op reaches nobody either, so nothing of its term is committed.
      group.lose((m) => m.type === "MsgApp" || m.from === 1);
      group.campaign(2);
      change(group, 2, removed(1));
      expect(typesAbove(group.peer(2), 2)).toEqual([appended]);
    }
  });

  it("the bug of 2015: once its term has committed something, the first leader's change never can be", () => {
    const group = twoLeaders({ checkConfChanges: true });
    change(group, 2, removed(1));
    expect(votersOf(group.peer(2)).incoming).toEqual([2, 3, 4]);
    // The first leader still counts by the old configuration, of which nobody else follows it any more.
    group.heal();
    group.tick(1, 2);
    group.tick(2, 2);
    for (const id of [1, 2, 3, 4]) expect(group.peer(id).raw.status().config.voters.incoming.has(5)).toBe(false);
  });

  it("a node does not stand for election with a committed change that it has not applied", () => {
    const peer = new Peer({ id: 2, asyncStorageWrites: true });
    const entry = { term: 1, index: 1, type: "EntryConfChangeV2" as const, data: new Uint8Array(0) };
    peer.storage.append([entry]);
    peer.storage.setHardState({ term: 1, vote: 0, commit: 1 });
    peer.crash();
    peer.raw.campaign();
    expect(peer.role).toBe("StateFollower");
  });
});

describe("M3: effect at apply", () => {
  it("an appended change changes no quorum until it is applied", () => {
    const peer = new Peer({ id: 1 });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 3));
    peer.work();
    expect(votersOf(peer).incoming).toEqual([1, 2, 3]);
    const sent = peer.receive("MsgAppResp", { from: 3, term: 1, index: 2 });
    expect(votersOf(peer).incoming).toEqual([1, 2]);
    expect(peer.applied.filter((entry) => entry.type !== "EntryNormal").map(decodeConfChange)).toMatchObject([
      { type: "ConfChangeRemoveNode", nodeId: 3 },
    ]);
    expect(ofType(sent, "MsgApp").length).toBeGreaterThan(0);
  });

  it("a follower whose unapplied change is replaced never had it", () => {
    const group = ledGroup(3);
    group.isolate(1);
    change(group, 1, removed(3));
    group.campaign(2);
    group.heal();
    group.tick(2, 2);
    expect([1, 2, 3].map((id) => votersOf(group.peer(id)).incoming)).toEqual(Array(3).fill([1, 2, 3]));
    expect(group.leaders()).toEqual([2]);
  });

  it("a smaller configuration commits at once what it has already", () => {
    const peer = new Peer({ id: 1, voters: [1, 2] });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 2));
    peer.propose("x");
    expect(peer.values).toEqual([]);
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(peer.values).toEqual(["x"]);
  });
});

describe("M4: removing the leader", () => {
  it("it counts itself no more, takes no proposals, and steps down if it is to", () => {
    for (const stepDownOnRemoval of [false, true]) {
      const group = ledGroup(3, { stepDownOnRemoval });
      group.peer(1).raw.proposeConfChange(newConfChangeV2({ changes: [removed(1)] }));
      group.peer(1).raw.propose(new TextEncoder().encode("x"));
      group.lose((m) => m.from === 3 || (m.type === "MsgAppResp" && m.index > 2));
      group.settle();
      // Only 2 holds "x" besides the leader, and of {2, 3} both are needed.
      expect(group.peer(1).values).toEqual([]);
      expect(group.peer(1).role).toBe(stepDownOnRemoval ? "StateFollower" : "StateLeader");
      expect(group.propose(1, "y")).toBe("proposal_dropped");
      group.peer(1).tick(30);
      expect(group.peer(1).role).not.toBe("StateCandidate");
    }
  });

  it("does not count the removed leader's own acknowledgement for what follows", () => {
    const peer = new Peer({ id: 1 });
    peer.win();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    peer.raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 1));
    peer.propose("x");
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(votersOf(peer).incoming).toEqual([2, 3]);
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 3 });
    expect(peer.values).toEqual([]);
    peer.receive("MsgAppResp", { from: 3, term: 1, index: 3 });
    expect(peer.values).toEqual(["x"]);
  });
});

describe("M5: a configuration needs a voter", () => {
  it("a change that leaves none does not enter the log", () => {
    const group = ledGroup(1, { checkConfChanges: true });
    change(group, 1, removed(1));
    expect(typesAbove(group.peer(1), 1)).toEqual(["normal"]);
    expect(votersOf(group.peer(1)).incoming).toEqual([1]);
    change(group, 1, voter(2), removed(1));
    expect(typesAbove(group.peer(1), 2)).toContain("change");
  });

  it("without the check it would stop every node that applies it", () => {
    const group = ledGroup(1);
    group.peer(1).raw.proposeConfChange(newConfChange("ConfChangeRemoveNode", 1));
    expect(() => group.settle()).toThrow("removed all voters");
  });
});
