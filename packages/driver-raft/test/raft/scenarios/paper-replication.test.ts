// SPDX-License-Identifier: Apache-2.0
// The statements of the Raft paper about replication, section 5.3, one test for each.
import { describe, expect, it } from "vitest";
import { Group } from "./group.ts";
import { entriesOf, ofType, Peer } from "./peer.ts";

/** A leader of term 1 whose no-op is committed everywhere. */
function settledLeader(size = 3): Peer {
  const peer = new Peer({ id: 1, voters: Array.from({ length: size }, (_, i) => i + 1) });
  peer.win();
  for (let from = 2; from <= size; from++) peer.receive("MsgAppResp", { from, term: 1, index: 1 });
  expect(peer.commit).toBe(1);
  return peer;
}

describe("Raft paper 5.3: the leader", () => {
  it("appends a command to its log and sends it to all others, with what precedes it", () => {
    const peer = settledLeader();
    const sent = ofType(peer.propose("x"), "MsgApp");
    expect(sent.map(({ to, index, logTerm, commit, entries }) => [to, index, logTerm, commit, entries.length])).toEqual(
      [
        [2, 1, 1, 1, 1],
        [3, 1, 1, 1, 1],
      ],
    );
    expect(sent[0]?.entries[0]).toMatchObject({ term: 1, index: 2 });
    expect(peer.terms).toEqual([1, 1]);
    expect(peer.commit).toBe(1);
  });

  it("applies a command once a majority holds it, and tells the commit index to the others", () => {
    const peer = settledLeader();
    peer.propose("x");
    const sent = peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(peer.values).toEqual(["x"]);
    expect(ofType(sent, "MsgApp").map(({ to, commit }) => [to, commit])).toEqual([
      [2, 2],
      [3, 2],
    ]);
  });

  const acknowledgements: [number, number[], boolean][] = [
    [1, [], true],
    [3, [], false],
    [3, [2], true],
    [3, [2, 3], true],
    [5, [2], false],
    [5, [2, 3], true],
    [5, [2, 3, 4, 5], true],
  ];
  for (const [size, acknowledging, committed] of acknowledgements) {
    it(`of ${size} nodes, ${acknowledging.length} others that hold it ${committed ? "commit" : "do not commit"} it`, () => {
      const peer = settledLeader(size);
      peer.propose("x");
      for (const from of acknowledging) peer.receive("MsgAppResp", { from, term: 1, index: 2 });
      expect(peer.values).toEqual(committed ? ["x"] : []);
    });
  }

  for (const terms of [[], [2], [1, 2], [1]]) {
    it(`commits with its own entry all that precede it, here of the terms [${terms}]`, () => {
      const peer = new Peer({ id: 1, terms, hardState: { term: 2, vote: 0, commit: 0 } });
      peer.win();
      peer.propose("x");
      const last = terms.length + 2;
      peer.receive("MsgAppResp", { from: 2, term: 3, index: last });
      expect(peer.applied.map(({ term, index }) => [term, index])).toEqual(
        [...terms, 3, 3].map((term, i) => [term, i + 1]),
      );
    });
  }
});

describe("Raft paper 5.3: followers", () => {
  for (const commit of [1, 2, 3]) {
    it(`apply in log order as far as they learn that entries are committed, here ${commit}`, () => {
      const peer = new Peer({ id: 1 });
      peer.receive("MsgApp", { from: 2, term: 1, entries: entriesOf([1, 1, 1]), commit });
      expect(peer.applied.map((entry) => entry.index)).toEqual([1, 2, 3].slice(0, commit));
    });
  }

  // The log is of the terms 1, 2, with the first entry committed.
  const checks: [string, number, number, boolean, number][] = [
    ["the committed entry", 1, 1, false, 1],
    ["the last entry", 2, 2, false, 2],
    ["a place of another term", 1, 2, true, 2],
    ["a place behind its end", 3, 3, true, 3],
    ["the beginning, which is committed further", 0, 0, false, 1],
  ];
  for (const [what, logTerm, index, reject, answered] of checks) {
    it(`${reject ? "refuse" : "take"} entries that follow ${what}`, () => {
      const peer = new Peer({ id: 1, terms: [1, 2], hardState: { term: 2, vote: 0, commit: 1 } });
      const [answer] = peer.receive("MsgApp", { from: 2, term: 2, logTerm, index });
      expect([answer?.type, answer?.reject]).toEqual(["MsgAppResp", reject]);
      expect(answer?.index).toBe(answered);
    });
  }

  const appends: [number, number, number[], number[]][] = [
    [2, 2, [3], [1, 2, 3]],
    [1, 1, [3, 4], [1, 3, 4]],
    [0, 0, [1], [1, 2]],
    [0, 0, [3], [3]],
    [1, 1, [2], [1, 2]],
  ];
  for (const [index, logTerm, terms, result] of appends) {
    it(`with [1,2], entries [${terms}] after (${index},${logTerm}) make [${result}]: conflicts go, the rest stays`, () => {
      const peer = new Peer({ id: 1, terms: [1, 2], hardState: { term: 2, vote: 0, commit: 0 } });
      peer.receive("MsgApp", { from: 2, term: 4, index, logTerm, entries: entriesOf(terms, index + 1) });
      expect(peer.terms).toEqual(result);
    });
  }

  // Figure 7 of the paper: the leader of term 8, and six logs that a follower may have.
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const followers: Record<string, number[]> = {
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };
  for (const [name, terms] of Object.entries(followers)) {
    it(`the log of follower (${name}) in figure 7 is brought in line with the leader's`, () => {
      const group = new Group([
        { id: 1, terms: leaderTerms, hardState: { term: 7, vote: 0, commit: 10 } },
        { id: 2, terms, hardState: { term: 7, vote: 0, commit: 0 } },
        // Its vote makes 1 the leader of term 8 when the follower's log is longer.
        { id: 3, terms: leaderTerms, hardState: { term: 7, vote: 0, commit: 0 } },
      ]);
      group.campaign(1);
      group.propose(1, "x");
      expect(group.peer(2).terms).toEqual([...leaderTerms, 8, 8]);
      expect(group.peer(2).commit).toBe(12);
    });
  }
});
