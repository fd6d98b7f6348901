// SPDX-License-Identifier: Apache-2.0
// Rules E1 to E6 and Q3, Q4 of `raft.md`.
import { describe, expect, it } from "vitest";
import { newMessage } from "../../../src/raft/index.ts";
import { Group } from "./group.ts";
import { ofType, Peer } from "./peer.ts";

describe("E1: randomised timeout", () => {
  it("is drawn anew at every change of role", () => {
    let draws = 0;
    const peer = new Peer({
      id: 1,
      preVote: true,
      redrawOnPreVote: true,
      randomInt: () => {
        draws++;
        return 0;
      },
    });
    const drawsOf = (change: () => void): number => {
      const before = draws;
      change();
      return draws - before;
    };
    expect(drawsOf(() => peer.raw.campaign())).toBe(1);
    peer.work();
    expect(drawsOf(() => peer.receive("MsgPreVoteResp", { from: 2, term: 1 }))).toBe(1);
    expect(drawsOf(() => peer.receive("MsgVoteResp", { from: 2, term: 1 }))).toBe(1);
    expect(peer.role).toBe("StateLeader");
    expect(drawsOf(() => peer.receive("MsgApp", { from: 3, term: 2 }))).toBe(1);
  });
});

describe("E2: pre-vote", () => {
  it("asks without a new term and without a vote of its own", () => {
    const peer = new Peer({ id: 1, preVote: true, hardState: { term: 3, vote: 2, commit: 0 } });
    const sent = peer.tick(10);
    expect(sent.map(({ type, term }) => [type, term])).toEqual([
      ["MsgPreVote", 4],
      ["MsgPreVote", 4],
    ]);
    expect([peer.role, peer.term, peer.vote]).toEqual(["StatePreCandidate", 3, 2]);
    expect(peer.storage.hardState).toEqual({ term: 3, vote: 2, commit: 0 });
  });

  it("is answered without a new term, also by a node that has voted, and to several", () => {
    const peer = new Peer({ id: 1, preVote: true, hardState: { term: 3, vote: 2, commit: 0 } });
    const answers = [2, 3].flatMap((from) => peer.receive("MsgPreVote", { from, term: 4 }));
    expect(answers.map(({ type, term, reject }) => [type, term, reject])).toEqual([
      ["MsgPreVoteResp", 4, false],
      ["MsgPreVoteResp", 4, false],
    ]);
    expect([peer.term, peer.vote]).toEqual([3, 2]);
  });

  it("is followed by an election only if a majority would vote", () => {
    const peer = new Peer({ id: 1, preVote: true });
    peer.tick(10);
    const sent = peer.receive("MsgPreVoteResp", { from: 2, term: 1 });
    expect(ofType(sent, "MsgVote").map((m) => m.term)).toEqual([1, 1]);
    expect([peer.role, peer.term, peer.vote]).toEqual(["StateCandidate", 1, 1]);
  });

  it("keeps a node that comes back from raising the term of a working group", () => {
    const group = Group.of(3, { preVote: true, checkQuorum: true });
    group.campaign(1);
    group.isolate(3);
    group.tick(3, 35);
    group.heal();
    group.tickAll(2);
    expect(group.leaders()).toEqual([1]);
    expect([group.peer(1).term, group.peer(3).term]).toEqual([1, 1]);
  });

  it("does not take late answers to a pre-vote as votes", () => {
    const peer = new Peer({ id: 1, preVote: true, voters: [1, 2, 3, 4, 5] });
    peer.tick(10);
    for (const from of [2, 3]) peer.receive("MsgPreVoteResp", { from, term: 1 });
    expect(peer.role).toBe("StateCandidate");
    for (const from of [2, 3, 4, 5]) peer.receive("MsgPreVoteResp", { from, term: 1 });
    expect(peer.role).toBe("StateCandidate");
  });
});

describe("E2: a pre-vote that was granted", () => {
  const common = { preVote: true, checkQuorum: true, yieldToPreVote: true };

  it("is left half a timeout to become an election, and no longer", () => {
    const peer = new Peer({ id: 1, ...common });
    peer.tick(9);
    expect(peer.receive("MsgPreVote", { from: 2, term: 1 })).toMatchObject([{ to: 2, reject: false }]);
    peer.tick(4);
    expect(peer.role).toBe("StateFollower");
    peer.tick(1);
    expect(peer.role).toBe("StatePreCandidate");
  });

  it("does not make a follower refuse the vote that it is about", () => {
    const peer = new Peer({ id: 1, ...common, randomInt: (bound) => bound - 1 });
    peer.receive("MsgHeartbeat", { from: 3, term: 1 });
    peer.tick(10);
    peer.receive("MsgPreVote", { from: 2, term: 2 });
    expect(peer.receive("MsgVote", { from: 2, term: 2 })).toMatchObject([{ to: 2, reject: false }]);
  });

  it("elects one of two that ask each other at the same moment, when the third is gone", () => {
    const group = Group.of(3, common);
    group.isolate(3);
    // Both time out before either has heard the other.
    for (const id of [1, 2]) for (let i = 0; i < 10; i++) group.peer(id).raw.tick();
    group.settle();
    expect(group.leaders()).toEqual([2]);
  });

  it("prefers the longer log to the higher id", () => {
    const group = new Group([
      { id: 1, ...common, terms: [1, 1], hardState: { term: 1, vote: 0, commit: 0 } },
      { id: 2, ...common, terms: [1], hardState: { term: 1, vote: 0, commit: 0 } },
    ]);
    for (const id of [1, 2]) for (let i = 0; i < 10; i++) group.peer(id).raw.tick();
    group.settle();
    expect(group.leaders()).toEqual([1]);
  });
});

describe("E3, Q3: check-quorum and stickiness", () => {
  it("a leader that heard no majority for T steps down, and one that did stays", () => {
    const peer = new Peer({ id: 1, checkQuorum: true });
    peer.win();
    peer.receive("MsgHeartbeatResp", { from: 2, term: 1 });
    peer.tick(10);
    expect(peer.role).toBe("StateLeader");
    peer.tick(10);
    expect([peer.role, peer.term, peer.lead]).toEqual(["StateFollower", 1, 0]);
  });

  for (const type of ["MsgVote", "MsgPreVote"] as const) {
    it(`a follower ignores ${type} for T after it heard the leader, and answers then`, () => {
      const peer = new Peer({ id: 1, checkQuorum: true, randomInt: (bound) => bound - 1 });
      peer.receive("MsgHeartbeat", { from: 2, term: 1 });
      peer.tick(9);
      expect(peer.receive(type, { from: 3, term: 2 })).toEqual([]);
      expect(peer.term).toBe(1);
      peer.tick(1);
      expect(peer.receive(type, { from: 3, term: 2 })).toMatchObject([{ to: 3, reject: false }]);
    });
  }

  it("a transfer passes the stickiness, because the leader wants it", () => {
    const group = Group.of(3, { checkQuorum: true, preVote: true });
    group.campaign(1);
    group.peer(1).raw.transferLeader(2);
    group.settle();
    expect(group.leaders()).toEqual([2]);
  });
});

describe("E4: a node that is ahead in term", () => {
  for (const options of [{ checkQuorum: true }, { preVote: true }]) {
    it(`answers a leader of a lower term with ${Object.keys(options)[0]}, so that it finds its way back`, () => {
      const peer = new Peer({ id: 1, ...options, hardState: { term: 5, vote: 1, commit: 0 } });
      for (const type of ["MsgHeartbeat", "MsgApp"] as const) {
        const [answer] = peer.receive(type, { from: 2, term: 1 });
        expect([answer?.type, answer?.to, answer?.term]).toEqual(["MsgAppResp", 2, 5]);
      }
    });
  }

  it("rejoins a group with check-quorum that would otherwise ignore it for ever", () => {
    const group = Group.of(3, { checkQuorum: true });
    group.campaign(1);
    group.isolate(3);
    group.peer(3).tick(35);
    group.heal();
    expect(group.peer(3).term).toBeGreaterThan(group.peer(1).term);
    // The leader's own timer never runs out, and 2 is sticky: only the answer can move them.
    group.tick(1, 1);
    group.tickAll(25);
    const terms = [1, 2, 3].map((id) => group.peer(id).term);
    expect(new Set(terms).size).toBe(1);
    expect(group.leaders()).toHaveLength(1);
  });

  it("refuses a pre-vote of a lower term with its own, so that two of different terms do not wait for ever", () => {
    const peer = new Peer({ id: 1, preVote: true, hardState: { term: 5, vote: 1, commit: 0 } });
    const [answer] = peer.receive("MsgPreVote", { from: 2, term: 3 });
    expect([answer?.type, answer?.term, answer?.reject]).toEqual(["MsgPreVoteResp", 5, true]);
    const asking = new Peer({ id: 2, preVote: true, hardState: { term: 2, vote: 0, commit: 0 } });
    asking.tick(10);
    asking.receive("MsgPreVoteResp", { from: 1, term: 5, reject: true });
    expect([asking.role, asking.term]).toEqual(["StateFollower", 5]);
  });
});

describe("E5: no-op", () => {
  it("a new leader appends an empty entry of its term at once", () => {
    const peer = new Peer({ id: 1, terms: [1], hardState: { term: 1, vote: 0, commit: 1 } });
    const sent = ofType(peer.win(), "MsgApp");
    expect(sent[0]?.entries).toMatchObject([{ term: 2, index: 2, type: "EntryNormal" }]);
    expect(sent[0]?.entries[0]?.data).toHaveLength(0);
    expect(peer.terms).toEqual([1, 2]);
  });
});

describe("E6: one vote per term", () => {
  it("survives changes of role", () => {
    const peer = new Peer({ id: 1 });
    peer.raw.campaign();
    peer.work();
    // Another leader of the same term appeared, which only votes of others can have made.
    peer.receive("MsgHeartbeat", { from: 2, term: 1 });
    expect([peer.role, peer.vote]).toEqual(["StateFollower", 1]);
    const [answer] = peer.receive("MsgVote", { from: 3, term: 1 });
    expect(answer?.reject).toBe(true);
  });

  it("survives a restart", () => {
    const peer = new Peer({ id: 1 });
    peer.receive("MsgVote", { from: 2, term: 1 });
    peer.crash();
    expect(peer.receive("MsgVote", { from: 3, term: 1 })).toMatchObject([{ type: "MsgVoteResp", reject: true }]);
    expect(peer.receive("MsgVote", { from: 2, term: 1 })).toMatchObject([{ type: "MsgVoteResp", reject: false }]);
  });

  it("is not given to another node where this one knows the leader of the term", () => {
    const peer = new Peer({ id: 1 });
    peer.receive("MsgHeartbeat", { from: 2, term: 1 });
    expect(peer.vote).toBe(0);
    expect(peer.receive("MsgVote", { from: 3, term: 1 })).toMatchObject([{ type: "MsgVoteResp", reject: true }]);
  });

  it("counts the first answer of each voter, not one that contradicts it later", () => {
    const peer = new Peer({ id: 1, voters: [1, 2, 3, 4, 5] });
    peer.raw.campaign();
    peer.work();
    peer.receive("MsgVoteResp", { from: 2, term: 1, reject: true });
    for (const from of [2, 3]) peer.receive("MsgVoteResp", { from, term: 1 });
    expect(peer.role).toBe("StateCandidate");
    peer.receive("MsgVoteResp", { from: 4, term: 1 });
    expect(peer.role).toBe("StateLeader");
  });

  it("counts one answer of each voter, and none of strangers and learners", () => {
    const peer = new Peer({ id: 1, voters: [1, 2, 3, 4, 5], learners: [6] });
    peer.raw.campaign();
    peer.work();
    for (const from of [2, 2, 2, 6]) peer.receive("MsgVoteResp", { from, term: 1 });
    expect(peer.raw.step(newMessage("MsgVoteResp", { from: 9, to: 1, term: 1 }))?.code).toBe("step_peer_not_found");
    expect(peer.role).toBe("StateCandidate");
  });
});

describe("Q4: vote embargo", () => {
  for (const type of ["MsgVote", "MsgPreVote"] as const) {
    it(`ignores ${type} after a start until it is lifted`, () => {
      const peer = new Peer({ id: 1, checkQuorum: true, voteEmbargo: true });
      expect(peer.receive(type, { from: 2, term: 1 })).toEqual([]);
      expect([peer.term, peer.vote]).toEqual([0, 0]);
      peer.raw.liftVoteEmbargo();
      expect(peer.receive(type, { from: 2, term: 1 })).toMatchObject([{ to: 2, reject: false }]);
    });
  }

  it("holds for terms that the node has already", () => {
    const peer = new Peer({ id: 1, voteEmbargo: true, hardState: { term: 3, vote: 0, commit: 0 } });
    expect(peer.receive("MsgVote", { from: 2, term: 3 })).toEqual([]);
    expect(peer.vote).toBe(0);
  });

  it("keeps the node from standing, whose own vote would count", () => {
    const peer = new Peer({ id: 1, voters: [1], voteEmbargo: true });
    peer.tick(30);
    peer.raw.campaign();
    expect([peer.work(), peer.role]).toEqual([[], "StateFollower"]);
    peer.raw.liftVoteEmbargo();
    peer.tick(10);
    expect(peer.role).toBe("StateLeader");
  });

  it("does not stand against a transfer", () => {
    const group = Group.of(3, { checkQuorum: true });
    group.campaign(1);
    group.peer(2).config.voteEmbargo = true;
    group.peer(2).crash();
    group.peer(3).config.voteEmbargo = true;
    group.peer(3).crash();
    group.tick(1);
    group.peer(1).raw.transferLeader(2);
    group.settle();
    expect(group.leaders()).toEqual([2]);
  });

  it("keeps a quick restart from breaking the promise that its answer to a heartbeat was", () => {
    const withEmbargo = (voteEmbargo: boolean): number[] => {
      const group = Group.of(3, { checkQuorum: true, heartbeatRounds: true });
      group.campaign(1);
      group.lose((m) => m.from === 3 || m.to === 3);
      group.tick(1);
      // The round that 2 answered is what the lease of 1 rests on; 3 has heard nothing of it.
      expect(group.peer(1).raw.quorumRound()).toBe(group.peer(1).raw.heartbeatRound());
      group.peer(2).config.voteEmbargo = voteEmbargo;
      group.peer(2).crash();
      group.isolate(1);
      group.peer(3).tick(10);
      group.campaign(3);
      return group.leaders();
    };
    expect(withEmbargo(true)).toEqual([1]);
    expect(withEmbargo(false)).toEqual([1, 3]);
  });
});
