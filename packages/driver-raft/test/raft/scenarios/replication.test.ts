// SPDX-License-Identifier: Apache-2.0
// Rules E7 to E11 and S6 of `raft.md`, flow control and limits.
import { describe, expect, it } from "vitest";
import { newMessage, RawNode } from "../../../src/raft/index.ts";
import { Group } from "./group.ts";
import { bytes, entriesOf, ofType, Peer, type PeerOptions, snapshotOf } from "./peer.ts";

/** A leader of term 1 with its no-op acknowledged by 2, which it replicates to. */
function leader(options: Partial<PeerOptions> = {}): Peer {
  const peer = new Peer({ id: 1, ...options });
  peer.win();
  peer.receive("MsgAppResp", { from: 2, term: peer.term, index: peer.raw.lastIndex() });
  return peer;
}

describe("E7: log matching", () => {
  it("a follower acknowledges the last entry of the append, not the end of its log", () => {
    const peer = new Peer({ id: 1, terms: [1, 1, 1, 1], hardState: { term: 1, vote: 0, commit: 0 } });
    const [answer] = peer.receive("MsgApp", { from: 2, term: 2, index: 1, logTerm: 1, entries: entriesOf([1], 2) });
    expect([answer?.index, answer?.reject]).toEqual([2, false]);
  });

  it("a follower leaves out everything of a higher term than the leader has there", () => {
    const terms = [1, 3, 3, 4, 4, 5, 5, 5, 6];
    const peer = new Peer({ id: 1, terms, hardState: { term: 6, vote: 0, commit: 0 } });
    const [answer] = peer.receive("MsgApp", { from: 2, term: 7, index: 8, logTerm: 3 });
    expect([answer?.reject, answer?.rejectHint, answer?.logTerm]).toEqual([true, 3, 3]);
  });

  it("a leader leaves out everything of a higher term than the follower has there", () => {
    const peer = new Peer({ id: 1, terms: [1, 3, 3, 3, 5, 5, 5, 5, 5], hardState: { term: 5, vote: 0, commit: 0 } });
    peer.win();
    const sent = peer.receive("MsgAppResp", { from: 2, term: 6, index: 9, reject: true, rejectHint: 6, logTerm: 2 });
    expect(ofType(sent, "MsgApp")).toMatchObject([{ to: 2, index: 1, logTerm: 1 }]);
  });

  it("needs one probe for each term, not for each entry", () => {
    const shared = [1, 1];
    const group = new Group([
      { id: 1, terms: [...shared, ...Array(50).fill(3)], hardState: { term: 4, vote: 0, commit: 2 } },
      { id: 2, terms: [...shared, ...Array(40).fill(2)], hardState: { term: 4, vote: 0, commit: 2 } },
      { id: 3, terms: [...shared, ...Array(50).fill(3)], hardState: { term: 4, vote: 0, commit: 2 } },
    ]);
    group.campaign(1);
    const refusals = group.delivered.filter((m) => m.type === "MsgAppResp" && m.from === 2 && m.reject);
    expect(refusals.length).toBeLessThanOrEqual(2);
    expect(group.peer(2).terms).toEqual(group.peer(1).terms);
  });

  it("a rejection that was overtaken by an acknowledgement changes nothing", () => {
    const peer = leader();
    expect(peer.receive("MsgAppResp", { from: 2, term: 1, index: 0, reject: true, rejectHint: 0 })).toEqual([]);
    expect(peer.raw.status().progress.get(2)).toMatchObject({ match: 1, next: 2, state: "StateReplicate" });
  });
});

describe("E8: commit at followers", () => {
  it("reaches only as far as the append verified the log", () => {
    const peer = new Peer({ id: 1, terms: [1, 1, 1], hardState: { term: 1, vote: 0, commit: 0 } });
    peer.receive("MsgApp", { from: 2, term: 2, index: 1, logTerm: 1, commit: 3 });
    expect(peer.commit).toBe(1);
  });

  it("a heartbeat carries no more than what the follower is known to hold", () => {
    const peer = leader();
    peer.propose("x");
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(peer.commit).toBe(2);
    expect(peer.tick().map(({ type, to, commit }) => [type, to, commit])).toEqual([
      ["MsgHeartbeat", 2, 2],
      ["MsgHeartbeat", 3, 0],
    ]);
  });

  it("a commit index beyond the log means that the log was lost, and the node stops", () => {
    const peer = new Peer({ id: 1, terms: [1], hardState: { term: 1, vote: 0, commit: 0 } });
    expect(() => peer.receive("MsgHeartbeat", { from: 2, term: 1, commit: 2 })).toThrow("out of range");
  });
});

describe("E9: progress and flow control", () => {
  it("probes one append at a time until the follower answers", () => {
    const peer = new Peer({ id: 1 });
    peer.win();
    const sent = [peer.propose("a"), peer.propose("b")].flat();
    expect(sent).toEqual([]);
    const next = peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
    expect(ofType(next, "MsgApp").filter((m) => m.to === 2)).toMatchObject([{ index: 1 }]);
  });

  it("sends on without waiting while it replicates, until the window is full", () => {
    const peer = leader({ maxInflightMsgs: 2 });
    const to2 = ["a", "b", "c"].map((text) => ofType(peer.propose(text), "MsgApp").filter((m) => m.to === 2).length);
    expect(to2).toEqual([1, 1, 0]);
    expect(peer.raw.status().progress.get(2)?.isPaused()).toBe(true);
    const opened = peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(ofType(opened, "MsgApp").filter((m) => m.to === 2 && m.entries.length > 0)).toHaveLength(1);
  });

  it("bounds what is under way in bytes as well", () => {
    const peer = leader({ maxInflightBytes: 100, maxSizePerMsg: 100 });
    const to2 = ["a", "b", "c"].map(
      (text) => ofType(peer.propose(text.repeat(60)), "MsgApp").filter((m) => m.to === 2).length,
    );
    expect(to2).toEqual([1, 1, 0]);
  });

  it("a full window that was lost altogether opens again after a heartbeat", () => {
    const group = Group.of(3, { maxInflightMsgs: 2 });
    group.campaign(1);
    group.lose((m) => m.type === "MsgApp" && m.to === 3);
    for (const text of ["a", "b", "c"]) group.propose(1, text);
    group.heal();
    group.tick(1, 2);
    expect(group.peer(3).values).toEqual(["a", "b", "c"]);
  });

  it("splits appends by size, of which each holds at least one entry", () => {
    for (const [maxSizePerMsg, sizes] of [
      [0, [1, 1, 1]],
      [100, [2, 1]],
      [1000, [3]],
    ] as const) {
      const peer = new Peer({ id: 1, maxSizePerMsg });
      peer.win();
      for (const text of ["a", "b", "c"]) peer.propose(text.repeat(40));
      const sent = peer.receive("MsgAppResp", { from: 2, term: 1, index: 1 });
      expect(
        ofType(sent, "MsgApp")
          .filter((m) => m.to === 2 && m.entries.length > 0)
          .map((m) => m.entries.length),
      ).toEqual(sizes);
    }
  });

  it("probes again after the host reports a node unreachable", () => {
    const peer = leader();
    peer.propose("x");
    peer.raw.reportUnreachable(2);
    expect(peer.raw.status().progress.get(2)).toMatchObject({ state: "StateProbe", match: 1, next: 2 });
  });

  it("a node that is probed although it has everything replicates again after a heartbeat", () => {
    const group = Group.of(3);
    group.campaign(1);
    group.peer(1).raw.reportUnreachable(2);
    expect(group.peer(1).raw.status().progress.get(2)?.state).toBe("StateProbe");
    group.tick(1);
    expect(group.peer(1).raw.status().progress.get(2)?.state).toBe("StateReplicate");
  });

  it("a node that acknowledges late is told at once what is committed", () => {
    const peer = leader({ voters: [1, 2, 3, 4, 5] });
    peer.receive("MsgAppResp", { from: 3, term: 1, index: 1 });
    expect(peer.commit).toBe(1);
    expect(peer.receive("MsgAppResp", { from: 4, term: 1, index: 1 })).toMatchObject([
      { type: "MsgApp", to: 4, commit: 1, entries: [] },
    ]);
  });

  it("drops proposals above the limit of uncommitted payload, but takes one of any size when nothing is uncommitted", () => {
    const peer = leader({ maxUncommittedEntriesSize: 10 });
    expect(peer.raw.propose(bytes("x".repeat(100)))).toBeUndefined();
    expect(peer.raw.propose(bytes("y"))?.code).toBe("proposal_dropped");
    peer.work();
    expect(peer.raw.lastIndex()).toBe(2);
    peer.receive("MsgAppResp", { from: 2, term: 1, index: 2 });
    expect(peer.raw.propose(bytes("y"))).toBeUndefined();
  });

  it("gives out committed entries in portions of at most the limit", () => {
    const peer = new Peer({ id: 1, maxCommittedSizePerReady: 60 });
    const entries = entriesOf([1, 1, 1]).map((entry) => ({ ...entry, data: bytes("z".repeat(40)) }));
    peer.raw.step(newMessage("MsgApp", { from: 2, to: 1, term: 1, entries, commit: 3 }));
    const portions: number[] = [];
    while (peer.raw.hasReady()) {
      const ready = peer.raw.ready();
      portions.push(ready.committedEntries.length);
      peer.persist(ready);
      peer.apply(ready);
      peer.raw.advance();
    }
    expect(portions.filter((count) => count > 0)).toEqual([1, 1, 1]);
    expect(peer.applied).toHaveLength(3);
  });
});

describe("E10, E11: snapshots", () => {
  function compactedGroup(): Group {
    const group = Group.of(3);
    group.campaign(1);
    group.isolate(3);
    for (const text of ["a", "b", "c"]) group.propose(1, text);
    const { storage } = group.peer(1);
    storage.createSnapshot(4, storage.confState, bytes("abc"));
    storage.compact(4);
    group.heal();
    return group;
  }

  it("a follower that the log does not reach back to gets one snapshot, and goes on from there", () => {
    const group = compactedGroup();
    group.propose(1, "d");
    group.tick(1, 2);
    const snapshots = group.delivered.filter((m) => m.type === "MsgSnap");
    expect(snapshots.map((m) => [m.to, m.snapshot?.metadata.index])).toEqual([[3, 4]]);
    expect(group.peer(3).values).toEqual(["d"]);
    expect(group.peer(1).raw.status().progress.get(3)).toMatchObject({ state: "StateReplicate", match: 5 });
  });

  it("nothing else is sent while a snapshot is under way, and a failed one is sent again", () => {
    const group = compactedGroup();
    group.lose((m) => m.type === "MsgSnap");
    group.tick(1, 2);
    expect(group.peer(1).raw.status().progress.get(3)).toMatchObject({ state: "StateSnapshot", pendingSnapshot: 4 });
    expect(ofType(group.peer(1).propose("d"), "MsgApp").filter((m) => m.to === 3)).toEqual([]);
    group.heal();
    group.peer(1).raw.reportSnapshot(3, "SnapshotFailure");
    expect(group.peer(1).raw.status().progress.get(3)).toMatchObject({ state: "StateProbe", next: 2 });
    group.tick(1, 2);
    expect(group.peer(3).commit).toBeGreaterThanOrEqual(4);
  });

  it("a snapshot that arrived is probed behind, before its receiver has answered", () => {
    const group = compactedGroup();
    group.lose((m) => m.from === 3 && m.type === "MsgAppResp" && !m.reject);
    group.tick(1, 2);
    group.peer(1).raw.reportSnapshot(3, "SnapshotFinish");
    const progress = group.peer(1).raw.status().progress.get(3);
    expect(progress).toMatchObject({ state: "StateProbe", match: 1, next: 5, msgAppFlowPaused: true });
  });

  it("a snapshot at or below the commit index is ignored", () => {
    const peer = new Peer({ id: 1, terms: [1, 1], hardState: { term: 1, vote: 0, commit: 2 } });
    const [answer] = peer.receive("MsgSnap", { from: 2, term: 1, snapshot: snapshotOf(2, 1) });
    expect([answer?.type, answer?.index]).toEqual(["MsgAppResp", 2]);
    expect([peer.terms, peer.storage.firstIndex()]).toEqual([[1, 1], 1]);
  });

  it("a snapshot from before what was compacted here is ignored", () => {
    const peer = new Peer({ id: 1, terms: [1, 1, 1], hardState: { term: 1, vote: 0, commit: 3 } });
    peer.work();
    peer.storage.createSnapshot(2, peer.storage.confState, bytes("state"));
    peer.storage.compact(2);
    const [answer] = peer.receive("MsgSnap", { from: 2, term: 1, snapshot: snapshotOf(1, 1) });
    expect([answer?.type, answer?.index]).toEqual(["MsgAppResp", 3]);
    expect([peer.terms, peer.commit]).toEqual([[1], 3]);
  });

  it("the log is kept if it holds the snapshot's last entry, which is committed then", () => {
    const peer = new Peer({ id: 1, terms: [1, 1, 1], hardState: { term: 1, vote: 0, commit: 1 } });
    peer.receive("MsgSnap", { from: 2, term: 1, snapshot: snapshotOf(2, 1) });
    expect([peer.terms, peer.commit, peer.storage.firstIndex()]).toEqual([[1, 1, 1], 2, 1]);
  });

  it("the log goes, with all that is behind it, if it holds another term there", () => {
    const peer = new Peer({ id: 1, terms: [1, 1, 1], hardState: { term: 1, vote: 0, commit: 1 } });
    const [answer] = peer.receive("MsgSnap", { from: 2, term: 2, snapshot: snapshotOf(2, 2) });
    expect([peer.terms, peer.commit, peer.raw.lastIndex()]).toEqual([[], 2, 2]);
    expect(answer?.index).toBe(2);
  });

  it("the configuration of a snapshot is taken over with it", () => {
    const peer = new Peer({ id: 1, voters: [] });
    peer.receive("MsgSnap", { from: 2, term: 1, snapshot: snapshotOf(5, 1, [1, 2, 3, 4]) });
    expect(peer.raw.status().config.voters.incoming).toEqual(new Set([1, 2, 3, 4]));
  });

  it("a snapshot that does not name the node is not taken", () => {
    const peer = new Peer({ id: 1, voters: [] });
    peer.receive("MsgSnap", { from: 2, term: 1, snapshot: snapshotOf(5, 1, [2, 3]) });
    expect(peer.commit).toBe(0);
  });
});

describe("S6: safe integers", () => {
  it("a term that could not be counted up exactly stops the node", () => {
    const peer = new Peer({ id: 1, hardState: { term: Number.MAX_SAFE_INTEGER, vote: 0, commit: 0 } });
    expect(() => peer.raw.campaign()).toThrow("cannot grow");
  });

  it("a node id that is no safe integer is refused", () => {
    const { config } = new Peer({ id: 1 });
    for (const id of [0, 1.5, -1, 2 ** 53]) expect(() => new RawNode({ ...config, id })).toThrow(TypeError);
  });
});
