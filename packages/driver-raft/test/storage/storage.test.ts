// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Entry } from "../../src/raft/types.ts";
import * as storage from "../../src/storage/index.ts";
import { Life, seeded } from "./life.ts";
import { confState } from "./model.ts";
import { codeOf, refuseWrongBatches } from "./rule-checks.ts";

function started(): { readonly life: Life; readonly opened: storage.RaftStorage } {
  const life = new Life(storage, seeded(23));
  life.start();
  return { life, opened: life.storage as storage.RaftStorage };
}

function entries(from: number, to: number, term: number, size = 10): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    index: from + at,
    term,
    type: "EntryNormal",
    data: new Uint8Array(size),
  }));
}

describe("what the core reads", () => {
  it("gives entries up to a size, at least one, and says what is compacted or not there yet", () => {
    const { opened } = started();
    opened.append({ hardState: { term: 2, vote: 1, commit: 1 }, entries: entries(2, 9, 2, 100) });
    expect(opened.entries(2, 10, Number.POSITIVE_INFINITY)).toHaveLength(8);
    expect(opened.entries(2, 10, 0)).toHaveLength(1);
    expect(opened.entries(2, 10, 300)).toHaveLength(2);
    expect(opened.entries(1, 3, 300)).toMatchObject({ code: "compacted" });
    expect(opened.entries(9, 11, 300)).toMatchObject({ code: "unavailable" });
    expect([opened.term(0), opened.term(10)]).toMatchObject([{ code: "compacted" }, { code: "unavailable" }]);
    expect([opened.term(1), opened.term(2)]).toEqual([1, 2]);
  });

  it("replaces the suffix of the log, and only that", () => {
    const { opened } = started();
    opened.append({ hardState: { term: 2, vote: 1, commit: 2 }, entries: entries(2, 6, 2) });
    opened.append({ hardState: { term: 3, vote: 2, commit: 2 }, entries: entries(4, 4, 3) });
    expect([opened.lastIndex(), opened.term(3), opened.term(4)]).toEqual([4, 2, 3]);
  });

  it("replaces the whole log by a snapshot that was received", () => {
    const { opened } = started();
    opened.append({ hardState: { term: 2, vote: 1, commit: 2 }, entries: entries(2, 6, 2) });
    const snapshot = { data: Buffer.from("s"), metadata: { confState, index: 4, term: 3 } };
    opened.append({ hardState: { term: 3, vote: 0, commit: 4 }, snapshot });
    expect([opened.firstIndex(), opened.lastIndex(), opened.term(4)]).toEqual([5, 4, 3]);
    expect(opened.snapshot()).toEqual(snapshot);
    expect(opened.initialState().hardState).toEqual({ term: 3, vote: 0, commit: 4 });
  });
});

describe("what the host writes", () => {
  it("numbers batches and writes a commit index alone together with the next batch (P5)", () => {
    const { life, opened } = started();
    const first = opened.append({ hardState: { term: 2, vote: 1, commit: 1 }, entries: entries(2, 4, 2) });
    const { operations } = life.disk.counters;
    expect(opened.append({ hardState: { term: 2, vote: 1, commit: 3 } })).toBe(first);
    expect(opened.append({})).toBe(first);
    expect(life.disk.counters.operations).toBe(operations);
    expect(opened.initialState().hardState.commit).toBe(3);
    expect(opened.append({ entries: entries(5, 5, 2) })).toBe(first + 1);
    life.disk.losePowerExactly(0, () => false);
    expect(storage.openStorage(life.disk, { lock: "none" }).initialState().hardState.commit).toBe(3);
  });

  it("syncs the log before it writes the watermark, and the watermark before it returns (C3)", () => {
    const { life, opened } = started();
    const seen: string[] = [];
    life.disk.plan = ({ kind, file }) => {
      seen.push(`${kind} ${file.replace(/-.*/, "")}`);
      return undefined;
    };
    opened.append({ hardState: { term: 2, vote: 1, commit: 1 } });
    expect(seen).toEqual(["pwrite wal", "fdatasync wal", "pwrite watermark", "fdatasync watermark"]);
  });

  it("refuses what must not be in a log, before anything is written", () => {
    refuseWrongBatches(storage);
  });

  it("refuses a snapshot of what is not committed, and compaction above the snapshot", () => {
    const { opened } = started();
    opened.append({ hardState: { term: 2, vote: 1, commit: 3 }, entries: entries(2, 5, 2) });
    const request = { confState, data: new Uint8Array(1) };
    expect(codeOf(() => opened.createSnapshot({ ...request, index: 4 }))).toBe("invalid_batch");
    expect(codeOf(() => opened.createSnapshot({ ...request, index: 1 }))).toBe("invalid_batch");
    expect(opened.createSnapshot({ ...request, index: 3 }).metadata).toEqual({ confState, index: 3, term: 2 });
    expect(codeOf(() => opened.compact(4))).toBe("invalid_batch");
  });

  it("keeps log and snapshots bounded (E13)", () => {
    const { life, opened } = started();
    for (let index = 2; index < 2000; index += 1) {
      opened.append({ hardState: { term: 2, vote: 1, commit: index - 1 }, entries: entries(index, index, 2, 64) });
      if (index % 100 !== 0) continue;
      opened.createSnapshot({ index: index - 1, confState, data: new Uint8Array(20) });
      opened.compact(index - 11);
    }
    expect(opened.logBytes).toBeLessThan(150 * 1024);
    expect(life.disk.list().filter((name) => name.startsWith("snapshot-"))).toHaveLength(2);
    expect(life.disk.list().filter((name) => name.startsWith("wal-")).length * 4096).toBe(opened.logBytes);
    expect(opened.firstIndex()).toBe(1890);
  });

  it("takes a batch that is larger than a segment", () => {
    const { life, opened } = started();
    opened.append({ hardState: { term: 2, vote: 1, commit: 1 }, entries: entries(2, 4, 2, 5000) });
    life.disk.losePowerExactly(0, () => false);
    expect(storage.openStorage(life.disk, { lock: "none" }).lastIndex()).toBe(4);
  });

  it("takes no more calls when the disk is full, and loses nothing that it had answered for (P9)", () => {
    const { life, opened } = started();
    life.disk.capacityBytes = 4096 * 4;
    let last = 1;
    const code = codeOf(() => {
      for (;;) {
        opened.append({ hardState: { term: 2, vote: 1, commit: 1 }, entries: entries(last + 1, last + 1, 2, 300) });
        last += 1;
      }
    });
    expect(code).toBe("io");
    expect(life.disk.counters.fullDisk).toBe(1);
    expect(codeOf(() => opened.lastIndex())).toBe("poisoned");
    life.disk.losePower();
    life.disk.capacityBytes = 4096 * 8;
    expect(storage.openStorage(life.disk, { lock: "none", segmentBytes: 4096 }).lastIndex()).toBe(last);
  });

  it("takes no calls after it was closed", () => {
    const { opened } = started();
    opened.close();
    expect(codeOf(() => opened.append({ entries: entries(2, 2, 2) }))).toBe("closed");
    expect(codeOf(() => opened.term(1))).toBe("closed");
  });
});
