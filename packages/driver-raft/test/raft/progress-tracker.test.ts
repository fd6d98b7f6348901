// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { restore } from "../../src/raft/confchange/restore.ts";
import { describeConfig } from "../../src/raft/tracker/config.ts";
import type { Progress } from "../../src/raft/tracker/progress.ts";
import { ProgressTracker } from "../../src/raft/tracker/progress-tracker.ts";
import { type ConfState, emptyConfState } from "../../src/raft/types.ts";

function trackerOf(state: Partial<ConfState>): ProgressTracker {
  const tracker = new ProgressTracker(4);
  const outcome = restore(tracker, 10, { ...emptyConfState, ...state });
  if (!outcome.ok) throw new Error(outcome.reason);
  tracker.config = outcome.config;
  tracker.progress = outcome.progress;
  return tracker;
}

function of(tracker: ProgressTracker, id: number): Progress {
  return tracker.progress.get(id) as Progress;
}

describe("tracker: the cluster as a leader sees it", () => {
  it("names voters, learners and everybody in ascending order", () => {
    const tracker = trackerOf({ voters: [11, 2, 1], learners: [30, 4] });
    expect(tracker.voterNodes()).toEqual([1, 2, 11]);
    expect(tracker.learnerNodes()).toEqual([4, 30]);
    expect(tracker.ids()).toEqual([1, 2, 4, 11, 30]);
    expect([tracker.isVoter(2), tracker.isVoter(4), tracker.isVoter(9)]).toEqual([true, false, false]);
    const visited: number[] = [];
    tracker.visit((id, progress) => visited.push(progress === of(tracker, id) ? id : -1));
    expect(visited).toEqual([1, 2, 4, 11, 30]);
  });

  it("counts the voters of both halves of a joint configuration", () => {
    const tracker = trackerOf({ voters: [1, 2], votersOutgoing: [1, 3], learnersNext: [3] });
    expect(tracker.voterNodes()).toEqual([1, 2, 3]);
    expect(tracker.isVoter(3)).toBe(true);
    expect(describeConfig(tracker.config)).toBe("voters=(1 2)&&(1 3) learners_next=(3)");
  });

  it.each([
    [{ voters: [1] }, true],
    [{ voters: [1], learners: [2] }, true],
    [{ voters: [1, 2] }, false],
    [{ voters: [1], votersOutgoing: [1] }, false],
    [{}, false],
  ])("knows whether one voter decides alone: %j is %s", (state, alone) => {
    expect(trackerOf(state).isSingleton()).toBe(alone);
  });

  it("gives back the configuration that it was restored from", () => {
    const state = {
      voters: [1, 2, 3],
      learners: [5],
      votersOutgoing: [1, 2, 4, 6],
      learnersNext: [4],
      autoLeave: true,
    };
    expect(trackerOf(state).confState()).toEqual(state);
  });

  it("commits what a quorum of voters has; learners count for nothing (E8)", () => {
    const tracker = trackerOf({ voters: [1, 2, 3], learners: [4, 5] });
    for (const [id, match] of [1, 2, 3, 4, 5].map((id) => [id, [7, 5, 1, 9, 9][id - 1]] as const)) {
      of(tracker, id).match = match as number;
    }
    expect(tracker.committed()).toBe(5);
    expect(tracker.quorumIndex((id) => id * 10)).toBe(20);
  });

  it("commits only what both halves have while joint (M1)", () => {
    const tracker = trackerOf({ voters: [1, 2, 3], votersOutgoing: [1, 4, 5] });
    for (const id of [1, 2, 3]) of(tracker, id).match = 9;
    expect(tracker.committed()).toBe(0);
    of(tracker, 4).match = 6;
    expect(tracker.committed()).toBe(6);
  });

  it("is active if a quorum of voters was heard from (E3)", () => {
    const tracker = trackerOf({ voters: [1, 2, 3], learners: [4] });
    expect(tracker.quorumActive()).toBe(true);
    for (const id of [2, 3]) of(tracker, id).recentActive = false;
    expect(tracker.quorumActive()).toBe(false);
    of(tracker, 3).recentActive = true;
    expect(tracker.quorumActive()).toBe(true);
  });
});

describe("tracker: votes (E6)", () => {
  it("counts the first vote of each node, and none of learners and strangers", () => {
    const tracker = trackerOf({ voters: [1, 2, 3], learners: [4] });
    tracker.recordVote(1, true);
    tracker.recordVote(2, false);
    tracker.recordVote(2, true);
    tracker.recordVote(4, true);
    tracker.recordVote(9, true);
    expect(tracker.tallyVotes()).toEqual({ granted: 1, rejected: 1, result: "VotePending" });
    tracker.recordVote(3, true);
    expect(tracker.tallyVotes()).toEqual({ granted: 2, rejected: 1, result: "VoteWon" });
    tracker.resetVotes();
    expect(tracker.tallyVotes()).toEqual({ granted: 0, rejected: 0, result: "VotePending" });
  });
});
