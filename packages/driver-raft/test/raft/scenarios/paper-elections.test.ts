// SPDX-License-Identifier: Apache-2.0
// The statements of the Raft paper about terms and elections, sections 5.1 and 5.2, one test for each.
import { describe, expect, it } from "vitest";
import type { StateType } from "../../../src/raft/index.ts";
import { Group } from "./group.ts";
import { entriesOf, ofType, Peer, seeded } from "./peer.ts";

function inRole(role: StateType): Peer {
  const peer = new Peer({ id: 1 });
  if (role === "StateCandidate") {
    peer.raw.campaign();
    peer.work();
  }
  if (role === "StateLeader") peer.win();
  expect(peer.role).toBe(role);
  return peer;
}

describe("Raft paper 5.1: terms", () => {
  const roles: StateType[] = ["StateFollower", "StateCandidate", "StateLeader"];
  for (const role of roles) {
    it(`a node in ${role} takes over a larger term that it hears of and is a follower then`, () => {
      const peer = inRole(role);
      peer.receive("MsgApp", { from: 2, term: 7 });
      expect([peer.role, peer.term, peer.lead]).toEqual(["StateFollower", 7, 2]);
    });
  }

  it("a request with a stale term is refused and changes nothing", () => {
    const peer = new Peer({ id: 1, hardState: { term: 2, vote: 0, commit: 0 } });
    peer.receive("MsgApp", { from: 2, term: 1, entries: entriesOf([1]) });
    expect([peer.lead, peer.entries()]).toEqual([0, []]);
    const answers = peer.receive("MsgVote", { from: 2, term: 1, index: 9, logTerm: 1 });
    expect(ofType(answers, "MsgVoteResp").filter((m) => !m.reject)).toEqual([]);
    expect(peer.vote).toBe(0);
  });
});

describe("Raft paper 5.2: elections", () => {
  it("a node starts as a follower", () => {
    expect(new Peer({ id: 1 }).role).toBe("StateFollower");
    const restarted = inRole("StateLeader");
    restarted.crash();
    expect(restarted.role).toBe("StateFollower");
  });

  it("a leader sends heartbeats at every interval to all others", () => {
    const peer = new Peer({ id: 1, heartbeatTick: 3 });
    peer.win();
    expect(peer.tick(2)).toEqual([]);
    const sent = peer.tick();
    expect(sent.map(({ type, to, term }) => [type, to, term])).toEqual([
      ["MsgHeartbeat", 2, 1],
      ["MsgHeartbeat", 3, 1],
    ]);
  });

  const standing: [string, StateType][] = [
    ["a follower that hears nothing for the election timeout", "StateFollower"],
    ["a candidate whose election is not decided within the timeout", "StateCandidate"],
  ];
  for (const [who, role] of standing) {
    it(`${who} raises its term, votes for itself and asks all others`, () => {
      const peer = inRole(role);
      const term = peer.term + 1;
      expect(ofType(peer.tick(9), "MsgVote")).toEqual([]);
      const sent = peer.tick();
      expect([peer.role, peer.term, peer.vote]).toEqual(["StateCandidate", term, 1]);
      expect(sent.map((m) => [m.type, m.to, m.term])).toEqual([
        ["MsgVote", 2, term],
        ["MsgVote", 3, term],
      ]);
    });
  }

  const rounds: [number, number[], number[], StateType][] = [
    [1, [], [], "StateLeader"],
    [3, [2, 3], [], "StateLeader"],
    [3, [2], [], "StateLeader"],
    [3, [], [], "StateCandidate"],
    [3, [], [2, 3], "StateFollower"],
    [4, [2], [], "StateCandidate"],
    [4, [2, 3], [], "StateLeader"],
    [5, [2, 3], [], "StateLeader"],
    [5, [2], [], "StateCandidate"],
    [5, [2], [3, 4, 5], "StateFollower"],
    [5, [2], [3, 4], "StateCandidate"],
  ];
  for (const [size, granting, refusing, role] of rounds) {
    it(`of ${size} nodes, ${granting.length} others for it and ${refusing.length} against make a ${role}`, () => {
      const peer = new Peer({ id: 1, voters: Array.from({ length: size }, (_, i) => i + 1) });
      peer.raw.campaign();
      peer.work();
      for (const from of granting) peer.receive("MsgVoteResp", { from, term: 1 });
      for (const from of refusing) peer.receive("MsgVoteResp", { from, term: 1, reject: true });
      expect([peer.role, peer.term]).toEqual([role, 1]);
    });
  }

  const votes: [number, number, boolean][] = [
    [0, 2, true],
    [0, 3, true],
    [2, 2, true],
    [3, 3, true],
    [2, 3, false],
    [3, 2, false],
  ];
  for (const [given, asking, granted] of votes) {
    it(`a node that voted for ${given} in this term ${granted ? "votes" : "does not vote"} for ${asking}`, () => {
      const peer = new Peer({ id: 1, hardState: { term: 1, vote: given, commit: 0 } });
      const [answer] = peer.receive("MsgVote", { from: asking, term: 1 });
      expect([answer?.type, answer?.to, answer?.reject]).toEqual(["MsgVoteResp", asking, !granted]);
      expect(peer.storage.hardState.vote).toBe(granted ? asking : given);
    });
  }

  for (const term of [1, 2]) {
    it(`a candidate of term 1 follows a leader of term ${term}`, () => {
      const peer = inRole("StateCandidate");
      peer.receive("MsgApp", { from: 2, term });
      expect([peer.role, peer.term, peer.lead]).toEqual(["StateFollower", term, 2]);
    });
  }
});

describe("Raft paper 5.2: randomised timeouts", () => {
  for (const role of ["StateFollower", "StateCandidate"] as const) {
    it(`a ${role} waits for T and whatever was drawn from [0, T)`, () => {
      for (let drawn = 0; drawn < 10; drawn++) {
        const peer = new Peer({ id: 1, randomInt: (bound) => (bound === 10 ? drawn : -1) });
        if (role === "StateCandidate") {
          peer.raw.campaign();
          peer.work();
        }
        expect(ofType(peer.tick(10 + drawn - 1), "MsgVote")).toEqual([]);
        expect(ofType(peer.tick(1), "MsgVote")).toHaveLength(2);
      }
    });

    it(`most of the time a single ${role} times out first`, () => {
      const draw = seeded(1);
      let together = 0;
      for (let trial = 0; trial < 300; trial++) {
        const group = Group.of(5, { randomInt: draw });
        for (const peer of group.peers.values()) {
          if (role === "StateCandidate") peer.raw.campaign();
          peer.work();
        }
        let standing = 0;
        while (standing === 0) {
          for (const peer of group.peers.values()) if (ofType(peer.tick(), "MsgVote").length > 0) standing++;
        }
        if (standing > 1) together++;
      }
      // By chance alone about a quarter of the trials; without the draw, all of them.
      expect(together).toBeGreaterThan(0);
      expect(together).toBeLessThan(150);
    });
  }
});
