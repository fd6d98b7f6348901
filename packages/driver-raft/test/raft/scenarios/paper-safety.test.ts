// SPDX-License-Identifier: Apache-2.0
// The statements of the Raft paper about safety, section 5.4, one test for each, and its figure 8.
import { describe, expect, it } from "vitest";
import { Group } from "./group.ts";
import { ofType, Peer } from "./peer.ts";

describe("Raft paper 5.4.1: election restriction", () => {
  for (const terms of [[1], [1, 2]]) {
    it(`a vote request says where the candidate's log [${terms}] ends`, () => {
      const peer = new Peer({ id: 1, terms, hardState: { term: 2, vote: 0, commit: 0 } });
      const sent = ofType(peer.tick(10), "MsgVote");
      const end = { index: terms.length, logTerm: terms.at(-1), term: 3 };
      expect(sent.map(({ index, logTerm, term }) => ({ index, logTerm, term }))).toEqual([end, end]);
    });
  }

  const voters: [number[], number, number, boolean][] = [
    [[1], 1, 1, true],
    [[1], 1, 2, true],
    [[1, 1], 1, 1, false],
    [[1], 2, 1, true],
    [[1], 2, 2, true],
    [[1, 1], 2, 1, true],
    [[2], 1, 1, false],
    [[2], 1, 2, false],
    [[2, 1], 1, 1, false],
  ];
  for (const [terms, logTerm, index, granted] of voters) {
    it(`a log of [${terms}] ${granted ? "grants" : "denies"} its vote to one that ends in (${index},${logTerm})`, () => {
      const peer = new Peer({ id: 1, terms, hardState: { term: 2, vote: 0, commit: 0 } });
      const [answer] = peer.receive("MsgVote", { from: 2, term: 3, logTerm, index });
      expect([answer?.type, answer?.reject]).toEqual(["MsgVoteResp", !granted]);
    });
  }
});

describe("Raft paper 5.4.2: committing entries of earlier terms", () => {
  const acknowledged: [number, number][] = [
    [1, 0],
    [2, 0],
    [3, 3],
  ];
  for (const [index, commit] of acknowledged) {
    it(`a leader of term 3 with [1,2,3] and ${index} acknowledged commits up to ${commit}`, () => {
      const peer = new Peer({ id: 1, terms: [1, 2], hardState: { term: 2, vote: 0, commit: 0 } });
      peer.win();
      peer.receive("MsgAppResp", { from: 2, term: 3, index });
      expect(peer.commit).toBe(commit);
    });
  }

  it("E8: figure 8: an entry on a majority that a later leader replaced was never committed", () => {
    // (a) and (b): 1 has replicated index 2 of term 2 to 2; 5 has another one of term 3.
    const logs: Record<number, number[]> = { 1: [1, 2], 2: [1, 2], 3: [1], 4: [1], 5: [1, 3] };
    const group = new Group(
      Object.entries(logs).map(([id, terms]) => ({
        id: Number(id),
        voters: [1, 2, 3, 4, 5],
        terms,
        hardState: { term: 3, vote: 5, commit: 1 },
      })),
    );
    // (c): 1 is the leader of term 4 and replicates index 2 to 3, but not its own entry of term 4.
    group.lose((m) => m.type === "MsgApp" && (m.to !== 3 || m.entries.some((entry) => entry.term === 4)));
    group.campaign(1);
    expect(group.leaders()).toEqual([1]);
    const append = { from: 1, term: 4, index: 1, logTerm: 1 };
    group.peer(3).receive("MsgApp", { ...append, entries: group.peer(1).entries().slice(1, 2) });
    for (const from of [2, 3]) group.peer(1).receive("MsgAppResp", { from, term: 4, index: 2 });
    expect(group.peer(3).terms).toEqual([1, 2]);
    expect(group.peer(1).commit).toBe(1);
    // (d): 1 is gone; 5, which in term 4 has no chance, wins term 5 and replaces index 2 everywhere.
    group.isolate(1);
    group.campaign(5);
    group.campaign(5);
    expect(group.leaders()).toContain(5);
    expect([2, 3, 4].map((id) => group.peer(id).terms.slice(0, 2))).toEqual([
      [1, 3],
      [1, 3],
      [1, 3],
    ]);
    // Back again, 1 takes it over, which it may, since it never said that its own was committed.
    group.heal();
    group.tick(5);
    expect(group.peer(1).terms.slice(0, 2)).toEqual([1, 3]);
  });
});
