// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { entrySize, entsSize, limitSize, payloadsSize } from "../../src/raft/log/entry-size.ts";
import { MemoryStorage } from "../../src/raft/log/memory-storage.ts";
import { emptyConfState, newEntry, noLimit, type Snapshot } from "../../src/raft/types.ts";
import { entriesOf, shown, snapshotOf } from "./log-builders.ts";

function storageOf(index: number, ...terms: number[]): MemoryStorage {
  const storage = new MemoryStorage();
  storage.applySnapshot(snapshotOf(index, terms[0] as number));
  storage.append(entriesOf(index + 1, ...terms.slice(1)));
  return storage;
}

function all(storage: MemoryStorage): string {
  return shown(storage.entries(storage.firstIndex(), storage.lastIndex() + 1, noLimit));
}

describe("storage in memory", () => {
  it("begins empty, and gives back hard state and configuration at a start", () => {
    const storage = new MemoryStorage();
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(0)]).toEqual([1, 0, 0]);
    storage.setHardState({ term: 3, vote: 2, commit: 1 });
    storage.applySnapshot(snapshotOf(4, 2, { ...emptyConfState, voters: [1, 2] }));
    expect(storage.initialState()).toEqual({
      hardState: { term: 3, vote: 2, commit: 1 },
      confState: { ...emptyConfState, voters: [1, 2] },
    });
  });

  it("keeps the term of the entry before the first, and no older ones", () => {
    const storage = storageOf(3, 3, 4, 5);
    expect([3, 4, 5].map((index) => storage.term(index))).toEqual([3, 4, 5]);
    expect(storage.term(2)).toMatchObject({ code: "compacted" });
    expect(storage.term(6)).toMatchObject({ code: "unavailable" });
  });

  it("reads what fits, at least one entry, and only what is there", () => {
    const storage = storageOf(3, 3, 4, 5, 6);
    const two = entsSize(entriesOf(4, 4, 5));
    expect(shown(storage.entries(4, 7, two))).toBe("4/4 5/5");
    expect(shown(storage.entries(4, 7, two - 1))).toBe("4/4");
    expect(shown(storage.entries(4, 7, 0))).toBe("4/4");
    expect(shown(storage.entries(3, 5, noLimit))).toBe("compacted");
    expect(shown(storageOf(3, 3).entries(4, 4, noLimit))).toBe("unavailable");
    expect(() => storage.entries(4, 8, noLimit)).toThrow("entries up to 8 were asked for, the last is 6");
  });

  it.each([
    ["what is there already", entriesOf(4, 4, 5), "4/4 5/5"],
    ["another end", entriesOf(4, 6, 6), "4/6 5/6"],
    ["a shorter end", entriesOf(4, 5), "4/5"],
    ["more", entriesOf(6, 5), "4/4 5/5 6/5"],
    ["entries of which some are compacted", entriesOf(2, 3, 3, 5), "4/5"],
    ["only compacted ones", entriesOf(2, 3, 3), "4/4 5/5"],
    ["nothing", [], "4/4 5/5"],
  ])("appends %s", (_name, entries, expected) => {
    const storage = storageOf(3, 3, 4, 5);
    storage.append(entries);
    expect(all(storage)).toBe(expected);
  });

  it("refuses a gap", () => {
    expect(() => storageOf(3, 3, 4).append(entriesOf(6, 4))).toThrow("a gap: the last entry is 4, and 6");
  });

  it("compacts up to an entry that it has", () => {
    const storage = storageOf(3, 3, 4, 5);
    expect(storage.compact(3)).toMatchObject({ code: "compacted" });
    expect(storage.compact(4)).toBeUndefined();
    expect([storage.firstIndex(), storage.term(4), all(storage)]).toEqual([5, 4, "5/5"]);
    expect(() => storage.compact(6)).toThrow("cannot compact up to 6");
  });

  it("makes a snapshot at an entry, keeps the log, and never goes back (E11)", () => {
    const storage = storageOf(3, 3, 4, 5);
    const confState = { ...emptyConfState, voters: [1] };
    const made = storage.createSnapshot(4, confState, Uint8Array.of(7)) as Snapshot;
    expect(made).toEqual({ data: Uint8Array.of(7), metadata: { index: 4, term: 4, confState } });
    expect([storage.snapshot(), all(storage)]).toEqual([made, "4/4 5/5"]);
    expect(storage.createSnapshot(4, undefined, Uint8Array.of())).toMatchObject({ code: "snap_out_of_date" });
    expect(storage.applySnapshot(snapshotOf(4, 9))).toMatchObject({ code: "snap_out_of_date" });
    expect(storage.createSnapshot(5, undefined, Uint8Array.of())).toMatchObject({ metadata: { confState } });
    expect(() => storage.createSnapshot(9, undefined, Uint8Array.of())).toThrow("no snapshot can be made at 9");
  });

  it("hands out arrays that later appends do not change", () => {
    const storage = storageOf(3, 3, 4, 5);
    const read = storage.entries(4, 6, noLimit);
    storage.append(entriesOf(5, 9));
    expect(shown(read)).toBe("4/4 5/5");
  });
});

describe("sizes of entries (E9)", () => {
  it.each([
    [newEntry(), 6],
    [newEntry({ term: 127, index: 128 }), 7],
    [newEntry({ term: 1, index: 1, data: new Uint8Array(3) }), 11],
    [newEntry({ term: 1, index: 2 ** 35, data: new Uint8Array(128) }), 4 + 1 + 6 + 1 + 2 + 128],
  ])("are those of the protobuf encoding", (entry, size) => {
    expect(entrySize(entry)).toBe(size);
  });

  it("count the data alone where payload is meant", () => {
    const entries = [1, 0, 5].map((length) => newEntry({ data: new Uint8Array(length) }));
    expect([payloadsSize(entries), payloadsSize([])]).toEqual([6, 0]);
  });

  it("cut a list at the limit, but never to nothing", () => {
    const entries = entriesOf(4, 4, 5, 6);
    const size = entsSize(entries);
    expect(limitSize(entries, noLimit)).toBe(entries);
    expect(limitSize(entries, size)).toBe(entries);
    expect(shown(limitSize(entries, size - 1))).toBe("4/4 5/5");
    expect(shown(limitSize(entries, 0))).toBe("4/4");
    expect(limitSize([], 0)).toEqual([]);
  });
});
