// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { newConfChangeV2, type TraceEvent } from "../../../src/raft/index.ts";
import { Group } from "./group.ts";
import { bytes } from "./peer.ts";

/** A run in which everything happens that the trace knows of. */
function tracedRun(): TraceEvent[] {
  const events: TraceEvent[] = [];
  const group = Group.of(3, { trace: (event) => events.push(event) });
  group.campaign(1);
  group.isolate(3);
  group.propose(1, "x");
  const { storage } = group.peer(1);
  storage.createSnapshot(2, storage.confState, bytes("x"));
  storage.compact(2);
  group.heal();
  group.tick(1, 2);
  group.peer(1).raw.proposeConfChange(newConfChangeV2({ changes: [{ type: "ConfChangeRemoveNode", nodeId: 3 }] }));
  group.settle();
  return events;
}

describe("trace", () => {
  it("tells all nineteen kinds of events", () => {
    const names = new Set(tracedRun().map((event) => event.name));
    expect([...names].sort()).toEqual([
      "ApplyConfChange",
      "BecomeCandidate",
      "BecomeFollower",
      "BecomeLeader",
      "ChangeConf",
      "Commit",
      "InitState",
      "Ready",
      "ReceiveAppendEntriesRequest",
      "ReceiveAppendEntriesResponse",
      "ReceiveRequestVoteRequest",
      "ReceiveRequestVoteResponse",
      "ReceiveSnapshot",
      "Replicate",
      "SendAppendEntriesRequest",
      "SendAppendEntriesResponse",
      "SendRequestVoteRequest",
      "SendRequestVoteResponse",
      "SendSnapshot",
    ]);
  });

  it("shows the state right after the event", () => {
    const events = tracedRun();
    const leader = events.find((event) => event.name === "BecomeLeader");
    expect(leader).toMatchObject({ nid: 1, role: "StateLeader", state: { term: 1, vote: 1, commit: 0 }, log: 0 });
    const commits = events.filter((event) => event.name === "Commit").map((event) => event.state.commit);
    expect(commits).toEqual([1, 2, 3]);
    expect(events.find((event) => event.name === "ChangeConf")?.prop).toBe("r3");
    expect(events.at(-1)?.conf).toEqual([[1, 2], []]);
  });
});
