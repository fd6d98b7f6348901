// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { describeProgressMap, newProgress, Progress, type ProgressState } from "../../src/raft/tracker/progress.ts";

const limits = { maxInflight: 2, maxInflightBytes: 0 };

function progress(state: ProgressState, match: number, next: number): Progress {
  const one = newProgress(limits, match, next, false);
  one.state = state;
  one.recentActive = true;
  return one;
}

describe("tracker: what a leader knows of a node (E9)", () => {
  it("shows only what applies", () => {
    const one = progress("StateReplicate", 3, 5);
    expect(String(one)).toBe("StateReplicate match=3 next=5");
    one.sentEntries(1, 7);
    expect(String(one)).toBe("StateReplicate match=3 next=6 inflight=1");
    one.sentEntries(1, 7);
    expect(String(one)).toBe("StateReplicate match=3 next=7 paused inflight=2[full]");
    one.becomeSnapshot(9);
    one.recentActive = false;
    one.isLearner = true;
    expect(String(one)).toBe("StateSnapshot match=3 next=10 learner paused pendingSnap=9 inactive");
  });

  it("lists nodes in the order of their ids", () => {
    const map = new Map([10, 9, 1].map((id) => [id, progress("StateProbe", 0, id)]));
    expect(describeProgressMap(map)).toBe(
      "1: StateProbe match=0 next=1\n9: StateProbe match=0 next=9\n10: StateProbe match=0 next=10\n",
    );
  });

  it("sends one append at a time while probing, and empty ones freely", () => {
    const one = progress("StateProbe", 1, 2);
    one.sentEntries(0, 0);
    expect(one.isPaused()).toBe(false);
    one.sentEntries(3, 30);
    expect([one.isPaused(), one.next, one.inflights.count]).toEqual([true, 2, 0]);
  });

  it("streams while replicating until the window is full", () => {
    const one = progress("StateReplicate", 1, 2);
    one.sentEntries(3, 30);
    expect([one.next, one.isPaused(), one.inflights.bytes]).toEqual([5, false, 30]);
    one.sentEntries(0, 0);
    expect([one.next, one.inflights.count]).toEqual([5, 1]);
    one.sentEntries(1, 10);
    expect([one.next, one.isPaused()]).toEqual([6, true]);
  });

  it("sends nothing while a snapshot is on its way", () => {
    const one = progress("StateProbe", 1, 2);
    one.becomeSnapshot(8);
    expect(one.isPaused()).toBe(true);
    expect(() => one.sentEntries(1, 1)).toThrow("snapshot is on its way");
  });

  it("begins the probe behind a snapshot, and behind the last match in all other cases", () => {
    const after = progress("StateReplicate", 1, 5);
    after.becomeSnapshot(10);
    after.becomeProbe();
    expect([after.state, after.next, after.pendingSnapshot]).toEqual(["StateProbe", 11, 0]);

    const failed = progress("StateReplicate", 1, 5);
    failed.becomeSnapshot(10);
    failed.pendingSnapshot = 0;
    failed.becomeProbe();
    expect(failed.next).toBe(2);

    const lost = progress("StateReplicate", 1, 5);
    lost.sentCommitted(4);
    lost.becomeProbe();
    expect([lost.next, lost.sentCommit]).toEqual([2, 1]);
  });

  it("forgets pause, window and snapshot when it replicates again", () => {
    const one = progress("StateReplicate", 4, 5);
    one.sentEntries(1, 1);
    one.sentEntries(1, 1);
    one.becomeReplicate();
    expect([one.next, one.isPaused(), one.inflights.count]).toEqual([5, false, 0]);
  });

  it.each([
    [2, false, 3, 6],
    [3, false, 3, 6],
    [4, true, 4, 6],
    [5, true, 5, 6],
    [7, true, 7, 8],
  ])("takes an acknowledgement of %i: new %s, match %i, next %i", (index, fresh, match, next) => {
    const one = progress("StateReplicate", 3, 6);
    one.msgAppFlowPaused = true;
    expect(one.maybeUpdate(index)).toBe(fresh);
    expect([one.match, one.next, one.msgAppFlowPaused]).toEqual([match, next, !fresh]);
  });
});

describe("tracker: rejected appends (E7)", () => {
  it.each<[string, ProgressState, number, number, number, number, boolean, number]>([
    ["a rejection below the match is out of date", "StateReplicate", 5, 10, 5, 5, false, 10],
    ["so is an older one", "StateReplicate", 5, 10, 4, 4, false, 10],
    ["a streamed append falls back behind the match", "StateReplicate", 5, 10, 9, 9, true, 6],
    ["a probe takes only the answer to itself", "StateProbe", 0, 10, 5, 5, false, 10],
    ["a probe steps back by one", "StateProbe", 0, 10, 9, 9, true, 9],
    ["a probe follows the hint", "StateProbe", 0, 10, 9, 2, true, 3],
    ["a probe never falls to 0", "StateProbe", 0, 1, 0, 0, true, 1],
    ["a probe never falls to the match", "StateProbe", 4, 10, 9, 1, true, 5],
  ])("%s", (_name, state, match, next, rejected, hint, taken, then) => {
    const one = progress(state, match, next);
    one.msgAppFlowPaused = true;
    expect(one.maybeDecrTo(rejected, hint)).toBe(taken);
    expect([one.match, one.next]).toEqual([match, then]);
  });

  it("lets a probe go on after its rejection, and forgets commit indexes that never arrived", () => {
    const one = progress("StateProbe", 0, 10);
    one.sentEntries(1, 1);
    one.sentCommitted(8);
    one.maybeDecrTo(9, 3);
    expect([one.isPaused(), one.sentCommit]).toEqual([false, 3]);
  });
});

describe("tracker: commit index on its way (E8)", () => {
  it("is worth a message only if it is higher than the last one sent and the follower can use it", () => {
    const one = progress("StateReplicate", 5, 8);
    one.sentCommitted(5);
    expect(one.canBumpCommit(5)).toBe(false);
    expect(one.canBumpCommit(6)).toBe(true);
    one.sentCommitted(7);
    expect(one.canBumpCommit(9)).toBe(false);
  });

  it("lets a copy change without touching the original", () => {
    const one = progress("StateReplicate", 5, 8);
    one.sentCommitted(4);
    const copy = one.clone();
    copy.isLearner = true;
    copy.maybeUpdate(9);
    expect(copy).toBeInstanceOf(Progress);
    expect([copy.sentCommit, copy.state, one.isLearner, one.match]).toEqual([4, "StateReplicate", false, 5]);
    expect(copy.inflights).toBe(one.inflights);
  });
});
