// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Unstable } from "../../src/raft/log/unstable.ts";
import { RaftPanic } from "../../src/raft/panic.ts";
import { noLimit } from "../../src/raft/types.ts";
import { entriesOf, shown, snapshotOf } from "./log-builders.ts";

/** Entries of these terms from index 5 on, the first `inProgress` of them being written. */
function unstableOf(terms: readonly number[], inProgress: number = 0): Unstable {
  const unstable = new Unstable(5);
  if (inProgress > 0) unstable.truncateAndAppend(entriesOf(5, ...terms.slice(0, inProgress)));
  unstable.acceptInProgress();
  if (terms.length > inProgress) unstable.truncateAndAppend(entriesOf(5 + inProgress, ...terms.slice(inProgress)));
  return unstable;
}

function state(unstable: Unstable): [offset: number, inProgress: number, entries: string] {
  const { offset, offsetInProgress, length } = unstable;
  return [offset, offsetInProgress, shown(unstable.slice(offset, offset + length, noLimit))];
}

describe("unstable log: what it knows", () => {
  it("knows the ends of the log only where they are its own", () => {
    const unstable = new Unstable(5);
    expect([unstable.maybeFirstIndex(), unstable.maybeLastIndex()]).toEqual([undefined, undefined]);
    unstable.truncateAndAppend(entriesOf(5, 1, 1));
    expect([unstable.maybeFirstIndex(), unstable.maybeLastIndex()]).toEqual([undefined, 6]);
    unstable.restore(snapshotOf(9, 2));
    expect([unstable.maybeFirstIndex(), unstable.maybeLastIndex()]).toEqual([10, 9]);
    unstable.truncateAndAppend(entriesOf(10, 2));
    expect([unstable.maybeFirstIndex(), unstable.maybeLastIndex()]).toEqual([10, 10]);
  });

  it("knows the terms of its entries and of its snapshot, and no others", () => {
    const unstable = unstableOf([1, 2]);
    expect([4, 5, 6, 7].map((index) => unstable.maybeTerm(index))).toEqual([undefined, 1, 2, undefined]);
    unstable.restore(snapshotOf(9, 3));
    expect([6, 8, 9, 10].map((index) => unstable.maybeTerm(index))).toEqual([undefined, undefined, 3, undefined]);
  });

  it("refuses to read what is not in it", () => {
    const unstable = unstableOf([1, 1]);
    for (const [lo, hi] of [
      [4, 6],
      [5, 8],
      [6, 5],
    ] as const) {
      expect(() => unstable.slice(lo, hi, noLimit)).toThrow(RaftPanic);
    }
  });
});

describe("unstable log: writes on their way (P3)", () => {
  it("hands out only what was not handed out", () => {
    const unstable = unstableOf([1, 1, 2], 2);
    expect([unstable.hasNextEntries(), shown(unstable.nextEntries())]).toEqual([true, "7/2"]);
    unstable.acceptInProgress();
    expect([unstable.hasNextEntries(), shown(unstable.nextEntries())]).toEqual([false, ""]);
  });

  it("hands out a snapshot once", () => {
    const unstable = unstableOf([1]);
    expect(unstable.nextSnapshot()).toBeUndefined();
    unstable.restore(snapshotOf(9, 2));
    expect(unstable.nextSnapshot()?.metadata.index).toBe(9);
    unstable.acceptInProgress();
    expect([unstable.nextSnapshot(), unstable.snapshot?.metadata.index]).toEqual([undefined, 9]);
    unstable.restore(snapshotOf(12, 2));
    expect(unstable.nextSnapshot()?.metadata.index).toBe(12);
  });

  it("forgets entries and what was being written when a snapshot replaces them", () => {
    const unstable = unstableOf([1, 1], 1);
    unstable.restore(snapshotOf(9, 2));
    expect(state(unstable)).toEqual([10, 10, ""]);
  });

  it.each([
    ["the first", { index: 5, term: 1 }, [6, 7, "6/1 7/2"]],
    ["all that is being written", { index: 6, term: 1 }, [7, 7, "7/2"]],
    ["more than is being written", { index: 7, term: 2 }, [8, 8, ""]],
    ["another term", { index: 6, term: 2 }, [5, 7, "5/1 6/1 7/2"]],
    ["what was never there", { index: 8, term: 2 }, [5, 7, "5/1 6/1 7/2"]],
    ["what is durable already", { index: 4, term: 1 }, [5, 7, "5/1 6/1 7/2"]],
  ])("lets go of entries up to a written one: %s", (_name, id, expected) => {
    const unstable = unstableOf([1, 1, 2], 2);
    unstable.stableTo(id);
    expect(state(unstable)).toEqual(expected);
  });

  it("does not take the written entry of the snapshot's index for an entry", () => {
    const unstable = new Unstable(5);
    unstable.restore(snapshotOf(9, 2));
    unstable.truncateAndAppend(entriesOf(10, 2));
    unstable.stableTo({ index: 9, term: 2 });
    expect(state(unstable)).toEqual([10, 10, "10/2"]);
    expect(unstable.snapshot?.metadata.index).toBe(9);
    unstable.stableTo({ index: 10, term: 2 });
    unstable.stableTo({ index: 9, term: 2 });
    expect(state(unstable)).toEqual([11, 11, ""]);
  });
});

describe("unstable log: overwrites (P8)", () => {
  it.each([
    ["behind the end", entriesOf(8, 3), [5, 7, "5/1 6/1 7/2 8/3"]],
    ["all of it", entriesOf(5, 3), [5, 5, "5/3"]],
    ["also what is durable", entriesOf(3, 3, 3), [3, 3, "3/3 4/3"]],
    ["what is not being written", entriesOf(7, 3, 3), [5, 7, "5/1 6/1 7/3 8/3"]],
    ["what is being written, which has to be written again", entriesOf(6, 3), [5, 6, "5/1 6/3"]],
  ])("replaces %s", (_name, entries, expected) => {
    const unstable = unstableOf([1, 1, 2], 2);
    unstable.truncateAndAppend(entries);
    expect(state(unstable)).toEqual(expected);
  });
});
