// SPDX-License-Identifier: Apache-2.0
// Rules P2, P4 to P8 of `raft.md`: what may leave when, seen through asynchronous storage writes, where every message
// that does not wait is there to be sent at once.
import { describe, expect, it } from "vitest";
import {
  LocalAppendThread,
  LocalApplyThread,
  type Message,
  type MessageType,
  newMessage,
  RaftPanic,
  type Ready,
} from "../../../src/raft/index.ts";
import { entriesOf, ofType, Peer, type PeerOptions, snapshotOf } from "./peer.ts";

function asyncPeer(options: Partial<PeerOptions> = {}): Peer {
  return new Peer({ id: 1, asyncStorageWrites: true, ...options });
}

/** What of a Ready goes to other nodes now. */
function leaving(ready: Ready): MessageType[] {
  return ready.messages.filter((m) => m.to > 0).map((m) => m.type);
}

function appendOf(ready: Ready): Message {
  const [append] = ofType(ready.messages, "MsgStorageAppend");
  if (append === undefined) throw new Error("nothing is to be written");
  expect(append.to).toBe(LocalAppendThread);
  return append;
}

/** Makes a batch durable. Returns what then goes to others; what is for the node itself is delivered. */
function write(peer: Peer, append: Message): Message[] {
  const { term, vote, commit, entries } = append;
  peer.persist({ hardState: { term, vote, commit }, entries, snapshot: append.snapshot ?? snapshotOf(0, 0) });
  for (const m of append.responses) if (m.to === peer.id) peer.raw.step(m);
  return append.responses.filter((m) => m.to !== peer.id);
}

/** Elects the node with all writes done, so that its next steps can be looked at. */
function asyncLeader(options: Partial<PeerOptions> = {}): Peer {
  const peer = asyncPeer(options);
  peer.raw.campaign();
  write(peer, appendOf(peer.raw.ready()));
  peer.raw.step(newMessage("MsgVoteResp", { from: 2, to: 1, term: peer.term }));
  expect(peer.role).toBe("StateLeader");
  return peer;
}

describe("P2: answers wait for what they promise", () => {
  const requests: [MessageType, MessageType, Partial<Message>][] = [
    ["MsgVote", "MsgVoteResp", { term: 1 }],
    ["MsgPreVote", "MsgPreVoteResp", { term: 1 }],
    ["MsgApp", "MsgAppResp", { term: 1, entries: entriesOf([1]) }],
    ["MsgApp", "MsgAppResp", { term: 1, index: 5, logTerm: 1 }],
    ["MsgSnap", "MsgAppResp", { term: 1, snapshot: snapshotOf(5, 1) }],
  ];
  for (const [request, answer, fields] of requests) {
    it(`${answer} to ${request} ${JSON.stringify(Object.keys(fields))} leaves after the batch is durable`, () => {
      const peer = asyncPeer();
      peer.raw.step(newMessage(request, { from: 2, to: 1, ...fields }));
      const ready = peer.raw.ready();
      expect(leaving(ready)).toEqual([]);
      expect(write(peer, appendOf(ready)).map((m) => m.type)).toEqual([answer]);
    });
  }

  it("refusals wait as well", () => {
    const peer = asyncPeer();
    for (const from of [2, 3]) peer.raw.step(newMessage("MsgVote", { from, to: 1, term: 1 }));
    const ready = peer.raw.ready();
    expect(leaving(ready)).toEqual([]);
    expect(write(peer, appendOf(ready)).map((m) => m.reject)).toEqual([false, true]);
  });

  it("a repeated request is not answered before the vote that the first one took is durable", () => {
    const peer = asyncPeer();
    peer.raw.step(newMessage("MsgVote", { from: 2, to: 1, term: 1 }));
    peer.raw.ready();
    peer.raw.step(newMessage("MsgVote", { from: 2, to: 1, term: 1 }));
    const repeated = peer.raw.ready();
    expect(leaving(repeated)).toEqual([]);
    // It waits in a batch of its own, behind the one with the vote.
    expect(appendOf(repeated).responses.map((m) => m.type)).toEqual(["MsgVoteResp"]);
  });

  it("the node's own vote counts only when it is durable", () => {
    const peer = asyncPeer({ voters: [1] });
    peer.raw.campaign();
    const ready = peer.raw.ready();
    expect(peer.role).toBe("StateCandidate");
    write(peer, appendOf(ready));
    expect(peer.role).toBe("StateLeader");
  });

  it("without asynchronous writes all of it is in the Ready, whose messages the host keeps until it has written", () => {
    const peer = new Peer({ id: 1, voters: [1] });
    peer.raw.campaign();
    const ready = peer.raw.ready();
    expect([peer.role, ready.mustSync, ready.hardState]).toEqual([
      "StateCandidate",
      true,
      { term: 1, vote: 1, commit: 0 },
    ]);
    expect(() => peer.raw.ready()).toThrow("without call to Advance");
    peer.raw.advance();
    expect(peer.role).toBe("StateLeader");
  });
});

describe("P4: standing for election", () => {
  it("term and own vote are in the batch that comes with the vote requests", () => {
    const peer = new Peer({ id: 1 });
    peer.raw.campaign();
    const ready = peer.raw.ready();
    expect(ofType(ready.messages, "MsgVote")).toHaveLength(2);
    expect([ready.hardState, ready.mustSync]).toEqual([{ term: 1, vote: 1, commit: 0 }, true]);
  });
});

describe("P5: lazy commit", () => {
  it("a new commit index alone needs no sync", () => {
    const peer = new Peer({ id: 1, terms: [1], hardState: { term: 1, vote: 0, commit: 0 } });
    peer.receive("MsgHeartbeat", { from: 2, term: 1 });
    peer.raw.step(newMessage("MsgHeartbeat", { from: 2, to: 1, term: 1, commit: 1 }));
    const ready = peer.raw.ready();
    expect([ready.hardState.commit, ready.mustSync]).toEqual([1, false]);
  });

  it("a storage whose commit index is not in its log is refused", () => {
    expect(() => new Peer({ id: 1, terms: [1], hardState: { term: 1, vote: 0, commit: 2 } })).toThrow("out of range");
  });
});

describe("P6: commit counts durable copies", () => {
  it("the leader's own copy does not count before it is durable", () => {
    const peer = asyncLeader();
    const ready = peer.raw.ready();
    expect(ready.entries).toHaveLength(1);
    peer.raw.step(newMessage("MsgAppResp", { from: 2, to: 1, term: 1, index: 1 }));
    expect(peer.commit).toBe(0);
    write(peer, appendOf(ready));
    expect(peer.commit).toBe(1);
  });

  it("a single node does not commit what it has not written", () => {
    const peer = new Peer({ id: 1, voters: [1] });
    peer.raw.campaign();
    peer.raw.ready();
    peer.raw.advance();
    const noop = peer.raw.ready();
    expect([noop.entries.length, noop.committedEntries.length, peer.commit]).toEqual([1, 0, 0]);
    peer.persist(noop);
    peer.raw.advance();
    expect(peer.raw.ready().committedEntries).toHaveLength(1);
  });

  it("entries are not given out to be applied before they are durable here", () => {
    const peer = asyncPeer();
    peer.raw.step(newMessage("MsgApp", { from: 2, to: 1, term: 1, entries: entriesOf([1, 1]), commit: 2 }));
    const ready = peer.raw.ready();
    expect([peer.commit, ready.committedEntries]).toEqual([2, []]);
    write(peer, appendOf(ready));
    const apply = ofType(peer.raw.ready().messages, "MsgStorageApply")[0];
    expect([apply?.to, apply?.entries.length]).toEqual([LocalApplyThread, 2]);
  });
});

describe("P5: snapshots", () => {
  it("a node with a snapshot that is not durable yet does not stand for election", () => {
    const peer = asyncPeer();
    peer.raw.step(newMessage("MsgSnap", { from: 2, to: 1, term: 1, snapshot: snapshotOf(5, 1) }));
    const ready = peer.raw.ready();
    peer.raw.campaign();
    expect(peer.role).toBe("StateFollower");
    write(peer, appendOf(ready));
    peer.raw.campaign();
    expect(peer.role).toBe("StateCandidate");
  });
});

describe("P7: the leader's appends", () => {
  it("leave at once, while its own copy is being written", () => {
    const peer = asyncLeader();
    const ready = peer.raw.ready();
    expect(leaving(ready)).toEqual(["MsgApp", "MsgApp"]);
    expect(appendOf(ready).entries).toHaveLength(1);
  });
});

describe("P8: truncation", () => {
  it("a late append that stops short cuts nothing off", () => {
    const peer = new Peer({ id: 1 });
    const append = { from: 2, term: 1 };
    peer.receive("MsgApp", { ...append, entries: entriesOf([1, 1, 1]) });
    const [answer] = peer.receive("MsgApp", { ...append, entries: entriesOf([1]) });
    expect(answer?.index).toBe(1);
    expect(peer.terms).toEqual([1, 1, 1]);
  });

  it("an append from below the commit index is answered with that and changes nothing", () => {
    const peer = new Peer({ id: 1, terms: [1, 1], hardState: { term: 1, vote: 0, commit: 2 } });
    const [answer] = peer.receive("MsgApp", { from: 2, term: 2, entries: entriesOf([2, 2]) });
    expect([answer?.index, answer?.reject, peer.terms]).toEqual([2, false, [1, 1]]);
  });

  it("entries that would replace a committed one are a defect of their sender, and the node stops", () => {
    const peer = new Peer({ id: 1, terms: [1, 1, 1], hardState: { term: 1, vote: 0, commit: 2 } });
    // The first entry claims an index that does not follow, which only a broken sender can make.
    const entries = entriesOf([2, 2], 2);
    const broken = newMessage("MsgApp", { from: 2, to: 1, term: 2, index: 2, logTerm: 1, entries });
    expect(() => peer.raw.step(broken)).toThrow(RaftPanic);
    expect(peer.terms).toEqual([1, 1, 1]);
  });

  it("what replaces a conflict comes in one batch with the truncation, from the first conflict on", () => {
    const peer = new Peer({ id: 1, terms: [1, 1, 1], hardState: { term: 1, vote: 0, commit: 1 } });
    peer.raw.step(
      newMessage("MsgApp", { from: 2, to: 1, term: 2, index: 1, logTerm: 1, entries: entriesOf([1, 2], 2) }),
    );
    const ready = peer.raw.ready();
    expect(ready.entries.map(({ term, index }) => [term, index])).toEqual([[2, 3]]);
  });
});

describe("asynchronous writes: A, B, A", () => {
  it("the report of a write of an earlier term does not make entries of the same name stable", () => {
    const peer = asyncPeer({ voters: [1, 2, 3, 4, 5] });
    const first = { to: 1, entries: entriesOf([1]) };
    peer.raw.step(newMessage("MsgApp", { ...first, from: 2, term: 1 }));
    const a = appendOf(peer.raw.ready());
    peer.raw.step(newMessage("MsgApp", { to: 1, from: 3, term: 2, entries: entriesOf([2]) }));
    const b = appendOf(peer.raw.ready());
    peer.raw.step(newMessage("MsgApp", { ...first, from: 2, term: 3, commit: 1 }));
    const again = peer.raw.ready();
    expect(again.entries).toMatchObject([{ term: 1, index: 1 }]);
    // The first write is reported, but the second one will still replace what it wrote.
    write(peer, a);
    expect(peer.raw.hasReady()).toBe(false);
    write(peer, b);
    expect(peer.raw.hasReady()).toBe(false);
    write(peer, appendOf(again));
    expect(peer.raw.ready().committedEntries).toMatchObject([{ term: 1, index: 1 }]);
    expect(peer.terms).toEqual([1]);
  });

  it("a report that was not believed is made up for by the batch that a new term writes anyway", () => {
    const peer = asyncPeer();
    peer.raw.step(newMessage("MsgApp", { from: 2, to: 1, term: 1, entries: entriesOf([1]), commit: 1 }));
    const a = appendOf(peer.raw.ready());
    peer.raw.step(newMessage("MsgHeartbeat", { from: 2, to: 1, term: 2 }));
    const newTerm = appendOf(peer.raw.ready());
    expect(newTerm.entries).toEqual([]);
    write(peer, a);
    expect(peer.raw.hasReady()).toBe(false);
    write(peer, newTerm);
    expect(peer.raw.ready().committedEntries).toHaveLength(1);
  });
});
