// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { entsSize } from "../../src/raft/log/entry-size.ts";
import { MemoryStorage } from "../../src/raft/log/memory-storage.ts";
import { RaftLog } from "../../src/raft/log/raft-log.ts";
import { RaftPanic } from "../../src/raft/panic.ts";
import { type Entry, newEntry, noLimit } from "../../src/raft/types.ts";
import { allOf, entriesOf, logOf, shown, snapshotOf } from "./log-builders.ts";

describe("log: matching (E7)", () => {
  it.each([
    ["nothing new", entriesOf(1, 1, 2), 0],
    ["nothing at all", [], 0],
    ["new at the end", entriesOf(3, 3, 4, 4), 4],
    ["another term at the first", entriesOf(1, 4, 4), 1],
    ["another term in the middle", entriesOf(2, 2, 1), 3],
  ])("finds the first entry that is not here: %s", (_name, entries, index) => {
    expect(logOf({ stable: [1, 2], unstable: [3] }).findConflict(entries)).toBe(index);
  });

  it.each([
    // The log is compacted at index 2, term 2, and goes on with the terms 2 2 4 4 5.
    [7, 9, { index: 7, term: 5 }],
    [7, 5, { index: 7, term: 5 }],
    [7, 4, { index: 6, term: 4 }],
    [7, 3, { index: 4, term: 2 }],
    [7, 1, { index: 1, term: 0 }],
    [4, 2, { index: 4, term: 2 }],
    [2, 2, { index: 2, term: 2 }],
    [9, 4, { index: 9, term: 0 }],
  ])("leaves out what cannot match a log with a higher term there: from %i, term %i", (index, term, found) => {
    const log = logOf({ base: { index: 2, term: 2 }, stable: [2, 2, 4], unstable: [4, 5] });
    expect(log.findConflictByTerm(index, term)).toEqual(found);
  });

  it.each([
    [2, 1, false],
    [3, 2, false],
    [3, 3, true],
    [3, 4, true],
    [4, 1, true],
  ])("calls a log that ends in term %i at %i up to date: %s (E6)", (term, index, upToDate) => {
    expect(logOf({ stable: [1, 2], unstable: [3] }).isUpToDate({ term, index })).toBe(upToDate);
  });

  it("takes entries only behind an entry that it holds, and commits what it then knows to match (E8)", () => {
    const log = logOf({ stable: [1, 2], unstable: [3], committed: 1 });
    expect(log.maybeAppend({ term: 2, index: 3 }, entriesOf(4, 4), 9)).toBeUndefined();
    expect(log.maybeAppend({ term: 3, index: 4 }, entriesOf(5, 4), 9)).toBeUndefined();
    expect(allOf(log)).toBe("1/1 2/2 3/3");
    expect(log.maybeAppend({ term: 3, index: 3 }, entriesOf(4, 4), 9)).toBe(4);
    expect([allOf(log), log.committed]).toEqual(["1/1 2/2 3/3 4/4", 4]);
  });

  it("does not commit beyond the last entry of the append, though the log is longer (E8)", () => {
    const log = logOf({ stable: [1, 1, 1], committed: 0 });
    expect(log.maybeAppend({ term: 1, index: 1 }, [], 3)).toBe(1);
    expect(log.committed).toBe(1);
    expect(log.maybeAppend({ term: 1, index: 1 }, entriesOf(2, 1), 3)).toBe(2);
    expect(log.committed).toBe(2);
  });

  it("never lowers the commit index", () => {
    const log = logOf({ stable: [1, 1], committed: 2 });
    log.maybeAppend({ term: 1, index: 1 }, [], 1);
    log.commitTo(1);
    expect(log.committed).toBe(2);
  });
});

describe("log: truncation (P8)", () => {
  it("keeps what is behind a short append that conflicts with nothing", () => {
    const log = logOf({ stable: [1, 2, 3], unstable: [3] });
    expect(log.maybeAppend({ term: 1, index: 1 }, entriesOf(2, 2), 0)).toBe(2);
    expect(allOf(log)).toBe("1/1 2/2 3/3 4/3");
    expect(log.maybeAppend({ term: 1, index: 1 }, [], 0)).toBe(1);
    expect(allOf(log)).toBe("1/1 2/2 3/3 4/3");
  });

  it("replaces from the first entry of another term on, durable or not, and hands it all out to be written", () => {
    const log = logOf({ stable: [1, 2, 2], unstable: [2], committed: 1 });
    log.acceptUnstable();
    expect(log.maybeAppend({ term: 1, index: 1 }, entriesOf(2, 2, 4), 1)).toBe(3);
    expect(allOf(log)).toBe("1/1 2/2 3/4");
    expect(shown(log.nextUnstableEnts())).toBe("3/4");
    expect(log.unstable.offset).toBe(3);
  });

  it("stops the node rather than replace what is committed", () => {
    const log = logOf({ stable: [1, 2], unstable: [3], committed: 2 });
    expect(() => log.maybeAppend({ term: 1, index: 1 }, entriesOf(2, 4), 2)).toThrow(RaftPanic);
    expect(() => log.append(entriesOf(2, 4))).toThrow("conflict with committed entry 2 (committed up to 2)");
    expect(allOf(log)).toBe("1/1 2/2 3/3");
  });

  it("stops the node rather than leave a gap", () => {
    const log = logOf({ stable: [1, 2] });
    expect(() => log.append(entriesOf(4, 2))).toThrow("a gap: entry 4 cannot follow entry 2");
    expect(() => log.maybeAppend({ term: 2, index: 2 }, entriesOf(7, 3), 0)).toThrow("begin with 7");
  });

  it("stops the node rather than commit what it does not have", () => {
    expect(() => logOf({ stable: [1, 2] }).commitTo(3)).toThrow("corrupted, truncated, or lost");
  });
});

describe("log: commit by counting (E8)", () => {
  it("takes only an entry of the term that is asked for", () => {
    const log = logOf({ stable: [1, 2], unstable: [3], committed: 1 });
    expect(log.maybeCommit({ term: 3, index: 2 })).toBe(false);
    expect(log.maybeCommit({ term: 0, index: 9 })).toBe(false);
    expect(log.maybeCommit({ term: 2, index: Number.POSITIVE_INFINITY })).toBe(false);
    expect(log.committed).toBe(1);
    expect(log.maybeCommit({ term: 2, index: 2 })).toBe(true);
    expect(log.maybeCommit({ term: 2, index: 2 })).toBe(false);
    expect(log.committed).toBe(2);
  });
});

describe("log: what may be applied (P6)", () => {
  it.each([
    [true, "2/1 3/1 4/1"],
    [false, "2/1 3/1"],
  ])("hands out committed entries, with those that are not durable: %s", (allowUnstable, expected) => {
    const log = logOf({ stable: [1, 1, 1], unstable: [1, 1], committed: 4 });
    log.appliedTo(1, 0);
    expect(log.hasNextCommittedEnts(allowUnstable)).toBe(true);
    expect(shown(log.nextCommittedEnts(allowUnstable))).toBe(expected);
  });

  it("hands nothing out twice, and nothing while a snapshot is on its way", () => {
    const log = logOf({ stable: [1, 1, 1], committed: 3 });
    log.acceptApplying(2, 0, true);
    expect(shown(log.nextCommittedEnts(true))).toBe("");
    log.appliedTo(2, 0);
    expect(shown(log.nextCommittedEnts(true))).toBe("3/1");
    log.restore(snapshotOf(9, 2));
    expect([log.hasNextCommittedEnts(true), log.nextCommittedEnts(true).length]).toEqual([false, 0]);
  });

  it("hands out no more than the limit at a time, and goes on when that is applied", () => {
    const size = entsSize(entriesOf(1, 1));
    const log = logOf({ stable: [1, 1, 1, 1], committed: 4, maxApplyingEntsSize: 2 * size });
    const first = log.nextCommittedEnts(true);
    expect(shown(first)).toBe("1/1 2/1");
    log.acceptApplying(2, entsSize(first), true);
    expect(log.hasNextCommittedEnts(true)).toBe(false);
    log.appliedTo(1, size);
    expect(shown(log.nextCommittedEnts(true))).toBe("3/1");
  });

  it("pauses when the last hand-out was cut short, though the limit is not reached", () => {
    const size = entsSize(entriesOf(1, 1));
    const log = logOf({ stable: [1, 1, 1], committed: 3, maxApplyingEntsSize: 2 * size - 1 });
    const first = log.nextCommittedEnts(true);
    expect(shown(first)).toBe("1/1");
    log.acceptApplying(1, entsSize(first), true);
    expect(log.hasNextCommittedEnts(true)).toBe(false);
    expect(log.nextCommittedEnts(true)).toEqual([]);
    log.appliedTo(1, size);
    expect(shown(log.nextCommittedEnts(true))).toBe("2/1");
  });

  it("hands out an entry that is larger than the limit, alone", () => {
    const log = logOf({ stable: [1, 1], committed: 2, maxApplyingEntsSize: 1 });
    expect(shown(log.nextCommittedEnts(true))).toBe("1/1");
  });

  it("stops the node if indexes move backwards or ahead of the commit index", () => {
    const log = logOf({ stable: [1, 1, 1], committed: 2 });
    expect(() => log.acceptApplying(3, 0, true)).toThrow("applying(3) is out of range");
    log.appliedTo(2, 0);
    expect(() => log.appliedTo(1, 0)).toThrow("applied(1) is out of range");
    expect(() => log.appliedTo(3, 0)).toThrow("applied(3) is out of range");
  });
});

describe("log: what is durable (P2, P3)", () => {
  it("hands entries out to be written once, and keeps them until the write is reported", () => {
    const log = logOf({ stable: [1], unstable: [2, 2] });
    expect(shown(log.nextUnstableEnts())).toBe("2/2 3/2");
    log.acceptUnstable();
    expect([log.hasNextUnstableEnts(), log.hasNextOrInProgressUnstableEnts()]).toEqual([false, true]);
    log.append(entriesOf(4, 3));
    expect(shown(log.nextUnstableEnts())).toBe("4/3");
    log.stableTo({ term: 2, index: 3 });
    expect([log.unstable.offset, log.unstable.length]).toEqual([4, 1]);
  });

  it("does not take the write of an overwritten entry for that of its successor", () => {
    const log = logOf({ unstable: [1, 1] });
    log.acceptUnstable();
    log.append(entriesOf(2, 3));
    log.stableTo({ term: 1, index: 2 });
    expect(log.unstable.offset).toBe(1);
    log.stableTo({ term: 3, index: 2 });
    expect(log.unstable.offset).toBe(3);
  });

  it("does not let handed out entries change when they are overwritten", () => {
    const log = logOf({ unstable: [1, 1, 1] });
    const handedOut = log.nextUnstableEnts();
    const sent = log.entries(1, noLimit);
    log.append(entriesOf(2, 4));
    expect([shown(handedOut), shown(sent)]).toEqual(["1/1 2/1 3/1", "1/1 2/1 3/1"]);
  });
});

describe("log: snapshots (E11)", () => {
  it("replaces everything by the snapshot, which is then written and reported like entries", () => {
    const log = logOf({ stable: [1, 1], unstable: [1], committed: 1 });
    log.restore(snapshotOf(7, 4));
    expect([log.firstIndex(), log.lastIndex(), log.committed, log.term(7)]).toEqual([8, 7, 7, 4]);
    expect([log.hasNextUnstableSnapshot(), log.nextUnstableSnapshot()?.metadata.index]).toEqual([true, 7]);
    log.acceptUnstable();
    expect([log.hasNextUnstableSnapshot(), log.hasNextOrInProgressSnapshot()]).toEqual([false, true]);
    log.stableSnapTo(6);
    expect(log.hasNextOrInProgressSnapshot()).toBe(true);
    log.stableSnapTo(7);
    expect(log.hasNextOrInProgressSnapshot()).toBe(false);
  });

  it("never goes back behind what is committed", () => {
    const log = logOf({ stable: [1, 1, 1], committed: 2 });
    expect(() => log.restore(snapshotOf(2, 1))).toThrow("not above what is committed");
  });

  it("begins with the durable snapshot after a restart", () => {
    const log = logOf({ base: { index: 5, term: 3 }, stable: [3, 4] });
    expect([log.committed, log.applied, log.applying, log.firstIndex(), log.lastIndex()]).toEqual([5, 5, 5, 6, 7]);
    expect(log.lastEntryId()).toEqual({ term: 4, index: 7 });
    expect(logOf({ base: { index: 5, term: 3 } }).lastEntryId()).toEqual({ term: 3, index: 5 });
  });

  it("offers the snapshot that is being restored before the one that is durable", () => {
    const log = logOf({ base: { index: 5, term: 3 } });
    expect(log.snapshot()).toMatchObject({ metadata: { index: 5 } });
    log.restore(snapshotOf(9, 4));
    expect(log.snapshot()).toMatchObject({ metadata: { index: 9 } });
  });
});

describe("log: reading", () => {
  const log = logOf({ base: { index: 2, term: 1 }, stable: [1, 2], unstable: [2, 3] });

  it.each([
    [1, "compacted"],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [6, 3],
    [7, "unavailable"],
  ])("knows the term at %i: %s", (index, expected) => {
    const term = log.term(index);
    expect(typeof term === "number" ? term : term.code).toBe(expected);
    expect(log.zeroTermOnOutOfBounds(index)).toBe(typeof expected === "number" ? expected : 0);
  });

  it.each([
    [2, 4, "compacted"],
    [3, 3, ""],
    [3, 5, "3/1 4/2"],
    [3, 7, "3/1 4/2 5/2 6/3"],
    [5, 7, "5/2 6/3"],
    [7, 7, ""],
  ])("reads [%i, %i) over the border between durable and not", (lo, hi, expected) => {
    expect(shown(log.slice(lo, hi, noLimit))).toBe(expected);
  });

  it("refuses what cannot be meant", () => {
    expect(() => log.slice(5, 4, noLimit)).toThrow("invalid slice 5 > 4");
    expect(() => log.slice(5, 8, noLimit)).toThrow("out of bound [3,6]");
    expect(shown(log.entries(7, noLimit))).toBe("");
    expect(shown(log.entries(2, noLimit))).toBe("compacted");
  });

  it("cuts at the limit as if durable and unstable entries were one list (E9)", () => {
    const all = log.slice(3, 7, noLimit) as readonly Entry[];
    for (let max = 0; max <= entsSize(all) + 1; max++) {
      const fits = [4, 3, 2, 1].find((count) => entsSize(all.slice(0, count)) <= max) ?? 1;
      expect(shown(log.slice(3, 7, max))).toBe(shown(all.slice(0, fits)));
    }
  });

  it("leaves no hole where a durable entry does not fit and a smaller one behind it would", () => {
    const storage = new MemoryStorage();
    storage.append([newEntry({ index: 1, term: 1 }), newEntry({ index: 2, term: 1, data: new Uint8Array(50) })]);
    const mixed = new RaftLog(storage);
    mixed.append(entriesOf(3, 1));
    expect(shown(mixed.slice(1, 4, entsSize(entriesOf(1, 1, 1))))).toBe("1/1");
  });

  it("scans page by page, until it is told to stop", () => {
    const size = entsSize(entriesOf(3, 1));
    const pages: string[] = [];
    const collect = (page: readonly Entry[]): boolean => pages.push(shown(page)) < 2;
    expect(log.scan(3, 7, size, collect)).toBeUndefined();
    expect(pages).toEqual(["3/1", "4/2"]);
    expect(log.scan(1, 7, size, collect)).toMatchObject({ code: "compacted" });
    expect(log.some(3, 7, (entry) => entry.term === 3)).toBe(true);
    expect(log.some(3, 6, (entry) => entry.term === 3)).toBe(false);
    expect(() => log.some(1, 6, () => false)).toThrow("compaction");
  });

  it("shows itself as upstream's log lines do", () => {
    expect(String(log)).toBe(
      "committed=2, applied=2, applying=2, unstable.offset=5, unstable.offsetInProgress=5, len(unstable.Entries)=2",
    );
  });

  it("tells a listener about conflicts and truncation", () => {
    const lines: string[] = [];
    const loud = new RaftLog(new MemoryStorage(), (_level, text) => lines.push(text));
    loud.append(entriesOf(1, 1, 1));
    loud.maybeAppend({ term: 1, index: 1 }, [newEntry({ index: 2, term: 5 })], 0);
    expect(lines).toEqual([
      "found conflict at index 2 [existing term: 1, conflicting term: 5]",
      "truncate the unstable entries before index 2",
    ]);
  });
});
