// SPDX-License-Identifier: Apache-2.0
// Rules Q1, Q2 and Q5 of `raft.md`: reads, and what a lease is made of.
import { describe, expect, it } from "vitest";
import { decodeRound, encodeRound, newConfChangeV2 } from "../../../src/raft/index.ts";
import { Group } from "./group.ts";
import { bytes, ofType, Peer, type PeerOptions } from "./peer.ts";

function contexts(peer: Peer): string[] {
  return peer.reads.map(({ index, requestCtx }) => `${new TextDecoder().decode(requestCtx)}@${index}`);
}

function leader(options: Partial<PeerOptions> = {}): Peer {
  const peer = new Peer({ id: 1, ...options });
  peer.win();
  peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
  return peer;
}

describe("Q1: ReadIndex", () => {
  it("answers once a majority answered heartbeats that were sent after the request", () => {
    const peer = leader();
    // Answers to an earlier round prove nothing about now.
    const [earlier] = peer.tick();
    peer.raw.readIndex(bytes("r"));
    const sent = peer.work();
    peer.receive("MsgHeartbeatResp", { from: 2, term: 1, context: earlier?.context ?? bytes("") });
    expect(contexts(peer)).toEqual([]);
    peer.receive("MsgHeartbeatResp", { from: 2, term: 1, context: sent[0]?.context ?? bytes("") });
    expect(contexts(peer)).toEqual(["r@1"]);
  });

  it("an answer confirms the request it belongs to and all before, not those that came later", () => {
    const peer = leader();
    const rounds = ["a", "b", "c"].map((name) => {
      peer.raw.readIndex(bytes(name));
      return peer.work()[0]?.context ?? bytes("");
    });
    peer.receive("MsgHeartbeatResp", { from: 2, term: 1, context: rounds[1] as Uint8Array });
    expect(contexts(peer)).toEqual(["a@1", "b@1"]);
    peer.receive("MsgHeartbeatResp", { from: 3, term: 1, context: rounds[2] as Uint8Array });
    expect(contexts(peer)).toEqual(["a@1", "b@1", "c@1"]);
  });

  it("a minority confirms nothing, however often it answers", () => {
    const peer = leader({ voters: [1, 2, 3, 4, 5] });
    peer.receive("MsgAppResp", { from: 3, term: 1, index: 1 });
    peer.raw.readIndex(bytes("r"));
    const context = peer.work()[0]?.context ?? bytes("");
    for (let i = 0; i < 3; i++) peer.receive("MsgHeartbeatResp", { from: 2, term: 1, context });
    expect(contexts(peer)).toEqual([]);
    peer.receive("MsgHeartbeatResp", { from: 4, term: 1, context });
    expect(contexts(peer)).toEqual(["r@1"]);
  });

  it("waits until an entry of the term is committed, and then sees it", () => {
    const peer = new Peer({ id: 1, terms: [1, 1], hardState: { term: 1, vote: 0, commit: 1 } });
    peer.win();
    peer.raw.readIndex(bytes("r"));
    expect(peer.work()).toEqual([]);
    const sent = peer.receive("MsgAppResp", { from: 2, term: 2, index: 3 });
    const [heartbeat] = ofType(sent, "MsgHeartbeat");
    peer.receive("MsgHeartbeatResp", { from: 3, term: 2, context: heartbeat?.context ?? bytes("") });
    expect(contexts(peer)).toEqual(["r@3"]);
  });

  it("is asked for again with the next heartbeat if that was lost", () => {
    const group = Group.of(3);
    group.campaign(1);
    group.lose((m) => m.type === "MsgHeartbeat");
    group.peer(1).raw.readIndex(bytes("r"));
    group.settle();
    group.heal();
    expect(contexts(group.peer(1))).toEqual([]);
    group.tick(1);
    expect(contexts(group.peer(1))).toEqual(["r@1"]);
  });

  it("a follower asks the leader, and gets the leader's commit index", () => {
    const group = Group.of(3);
    group.campaign(1);
    group.propose(1, "x");
    group.peer(2).raw.readIndex(bytes("r"));
    group.settle();
    expect(contexts(group.peer(2))).toEqual(["r@2"]);
  });

  it("a deposed leader that does not know it yet answers nothing", () => {
    const group = Group.of(3);
    group.campaign(1);
    group.isolate(1);
    group.campaign(2);
    group.propose(2, "x");
    group.peer(1).raw.readIndex(bytes("r"));
    group.settle();
    group.heal();
    group.tick(1, 3);
    expect([group.peer(1).role, contexts(group.peer(1))]).toEqual(["StateLeader", []]);
    group.tick(2, 1);
    expect([group.peer(1).role, contexts(group.peer(1))]).toEqual(["StateFollower", []]);
  });

  it("reads that waited are forgotten with the leadership", () => {
    const peer = leader();
    peer.raw.readIndex(bytes("r"));
    const context = peer.work()[0]?.context ?? bytes("");
    peer.receive("MsgHeartbeat", { from: 2, term: 2 });
    peer.win();
    peer.receive("MsgHeartbeatResp", { from: 2, term: 3, context });
    expect(contexts(peer)).toEqual([]);
  });

  it("a single voter answers by itself", () => {
    const peer = new Peer({ id: 1, voters: [1] });
    peer.win();
    peer.raw.readIndex(bytes("r"));
    peer.work();
    expect(contexts(peer)).toEqual(["r@1"]);
  });
});

describe("Q2: heartbeat rounds", () => {
  const options = { checkQuorum: true, heartbeatRounds: true };

  it("every heartbeat begins a round, and an answer says how far its sender got", () => {
    const peer = leader(options);
    const rounds = [peer.tick(), peer.tick()].map((sent) => decodeRound(sent[0]?.context ?? bytes("")));
    expect(rounds).toEqual([1, 2]);
    expect([peer.raw.heartbeatRound(), peer.raw.quorumRound()]).toEqual([2, 0]);
    peer.receive("MsgHeartbeatResp", { from: 3, term: 1, context: encodeRound(1) });
    expect([peer.raw.ackedRound(3), peer.raw.ackedRound(2), peer.raw.quorumRound()]).toEqual([1, 0, 1]);
    peer.receive("MsgHeartbeatResp", { from: 2, term: 1, context: encodeRound(2) });
    expect(peer.raw.quorumRound()).toBe(2);
    // Late answers do not take anything back, and nobody can answer what was not asked.
    peer.receive("MsgHeartbeatResp", { from: 2, term: 1, context: encodeRound(1) });
    peer.receive("MsgHeartbeatResp", { from: 3, term: 1, context: encodeRound(99) });
    expect([peer.raw.ackedRound(2), peer.raw.ackedRound(3)]).toEqual([2, 1]);
  });

  it("needs a quorum of both halves of a joint configuration, in which a learner does not count", () => {
    const peer = leader({ ...options, learners: [6] });
    peer.raw.proposeConfChange(
      newConfChangeV2({
        transition: "ConfChangeTransitionJointExplicit",
        changes: [4, 5].map((nodeId) => ({ type: "ConfChangeAddNode" as const, nodeId })),
      }),
    );
    peer.work();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    peer.tick();
    for (const from of [4, 5, 6]) peer.receive("MsgHeartbeatResp", { from, term: 1, context: encodeRound(1) });
    expect(peer.raw.quorumRound()).toBe(0);
    peer.receive("MsgHeartbeatResp", { from: 3, term: 1, context: encodeRound(1) });
    expect(peer.raw.quorumRound()).toBe(1);
  });

  it("is unlimited for a single voter, and 0 for who does not lead, also after it did", () => {
    const single = new Peer({ id: 1, voters: [1], ...options });
    expect(single.raw.quorumRound()).toBe(0);
    single.win();
    expect(single.raw.quorumRound()).toBe(Number.POSITIVE_INFINITY);
    const peer = leader(options);
    peer.tick();
    peer.receive("MsgHeartbeatResp", { from: 2, term: 1, context: encodeRound(1) });
    peer.receive("MsgHeartbeat", { from: 2, term: 2 });
    expect([peer.raw.quorumRound(), peer.raw.ackedRound(2)]).toEqual([0, 0]);
  });

  it("numbers are never used again, so answers of an earlier reign confirm nothing in a later one", () => {
    const peer = leader(options);
    peer.tick(3);
    peer.receive("MsgApp", { from: 2, term: 2 });
    peer.win();
    expect(decodeRound(peer.tick()[0]?.context ?? bytes(""))).toBe(4);
  });

  it("Q5: a leader that left the configuration does not count itself any more", () => {
    const peer = leader({ ...options, voters: [1, 2] });
    peer.raw.proposeConfChange(newConfChangeV2({ changes: [{ type: "ConfChangeRemoveNode", nodeId: 1 }] }));
    peer.work();
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    peer.tick();
    expect(peer.raw.quorumRound()).toBe(0);
  });

  it("Q5: nothing renews a lease in a term in which another node was asked to take over", () => {
    const group = Group.of(3, options);
    group.campaign(1);
    group.lose((m) => m.type === "MsgTimeoutNow");
    group.tick(1);
    expect(group.peer(1).raw.quorumRound()).toBe(1);
    group.peer(1).raw.transferLeader(2);
    group.settle();
    group.tick(1, 12);
    expect(group.leaders()).toEqual([1]);
    expect(group.peer(1).raw.basicStatus().leadTransferee).toBe(0);
    expect(group.peer(1).raw.quorumRound()).toBe(0);
    // The request that was thought lost still makes a leader at once, although all have just answered heartbeats.
    group.heal();
    group.peer(2).receive("MsgTimeoutNow", { from: 1, term: 1 });
    expect(group.peer(2).role).toBe("StateCandidate");
  });

  it("Q5: a later reign of the same node may have a lease again", () => {
    const peer = leader(options);
    peer.raw.transferLeader(2);
    peer.receive("MsgApp", { from: 3, term: 2 });
    peer.win();
    peer.tick();
    peer.receive("MsgHeartbeatResp", { from: 2, term: 3, context: encodeRound(1) });
    expect(peer.raw.quorumRound()).toBe(1);
  });

  it("Q3: an answer to a heartbeat binds through a change of term, whoever told of it", () => {
    const peer = new Peer({ id: 1, ...options, preVote: true });
    peer.receive("MsgHeartbeat", { from: 2, term: 1, context: encodeRound(1) });
    // A refusal that was long under way: 3 had stood in term 2 when nobody heard a leader.
    peer.receive("MsgPreVoteResp", { from: 3, term: 2, reject: true });
    expect([peer.term, peer.lead]).toEqual([2, 0]);
    for (const term of [2, 3]) expect(peer.receive("MsgVote", { from: 3, term })).toEqual([]);
    peer.raw.campaign();
    expect([peer.work(), peer.role]).toEqual([[], "StateFollower"]);
    peer.tick(9);
    expect(peer.receive("MsgVote", { from: 3, term: 3 })).toEqual([]);
    peer.tick(1);
    expect(peer.role).toBe("StatePreCandidate");
    expect(peer.receive("MsgVote", { from: 3, term: 3 })).toMatchObject([{ type: "MsgVoteResp", reject: false }]);
  });

  it("Q3: forgetting the leader does not undo what an answer to it promised", () => {
    const peer = new Peer({ id: 1, ...options });
    peer.receive("MsgHeartbeat", { from: 2, term: 1 });
    peer.raw.forgetLeader();
    expect(peer.receive("MsgVote", { from: 3, term: 2 })).toEqual([]);
  });

  it("a round survives its encoding, also above 32 bits, and other contexts are none", () => {
    for (const round of [1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) expect(decodeRound(encodeRound(round))).toBe(round);
    expect(decodeRound(bytes("short"))).toBe(0);
    expect(decodeRound(new Uint8Array(8).fill(255))).toBe(0);
  });
});
