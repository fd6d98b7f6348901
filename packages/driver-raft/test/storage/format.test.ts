// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import * as storage from "../../src/storage/index.ts";
import { formatStorage, openStorage, readIdentity, SimulatedDirectory } from "../../src/storage/index.ts";
import { overwrite } from "./checks.ts";
import { seeded } from "./life.ts";
import { confState, initialSnapshot } from "./model.ts";
import { codeOf, refuseEmptyDisks, tellClonesApart } from "./rule-checks.ts";

const options = { clusterId: "c-1", segmentBytes: 4096 };

function emptyDisk(seed = 1): SimulatedDirectory {
  return new SimulatedDirectory({ chance: seeded(seed) });
}

describe("format (I1)", () => {
  it("draws a node id and a storage id, and all of it is there after a loss of power", () => {
    const disk = emptyDisk();
    const identity = formatStorage(disk, { ...options, genesis: Buffer.from("first members"), initialSnapshot });
    disk.losePowerExactly(0, () => false);
    expect(readIdentity(disk)).toEqual({ ...identity, genesis: Uint8Array.from(Buffer.from("first members")) });
    expect(identity.nodeId).toBeGreaterThan(2 ** 32);
    expect(identity.storageId).toMatch(/^[0-9a-f]{32}$/);
    expect(formatStorage(emptyDisk(), options).nodeId).not.toBe(identity.nodeId);
    const opened = openStorage(disk, { lock: "none" });
    expect(opened.initialState()).toEqual({ hardState: { term: 1, vote: 0, commit: 1 }, confState });
    expect([opened.firstIndex(), opened.lastIndex(), opened.term(1)]).toEqual([2, 1, 1]);
  });

  it("begins empty without a snapshot", () => {
    const disk = emptyDisk();
    formatStorage(disk, options);
    const opened = openStorage(disk, { lock: "none" });
    expect(opened.initialState().hardState).toEqual({ term: 0, vote: 0, commit: 0 });
    expect([opened.firstIndex(), opened.lastIndex(), opened.term(0), opened.snapshot().metadata.index]).toEqual([
      1, 0, 0, 0,
    ]);
  });

  it("refuses a directory that holds anything", () => {
    const disk = emptyDisk();
    formatStorage(disk, options);
    expect(codeOf(() => formatStorage(disk, options))).toBe("already_formatted");
    disk.remove("IDENTITY");
    expect(() => formatStorage(disk, options)).toThrow(/already_formatted.*must be removed from the cluster/);
    const other = emptyDisk();
    other.create("notes.txt").close();
    expect(codeOf(() => formatStorage(other, options))).toBe("already_formatted");
    expect(other.list()).toEqual(["notes.txt"]);
  });

  it("can be repeated after a crash at any step, and is never started before it was finished", () => {
    for (let at = 1; ; at += 1) {
      const disk = emptyDisk(at);
      disk.plan = ({ number }) => (number === at ? { kind: "crash_after" } : undefined);
      const finished = codeOf(() => formatStorage(disk, { ...options, initialSnapshot })) === "no error";
      disk.plan = undefined;
      disk.losePower();
      if (finished) break;
      if (disk.list().includes("FORMATTING")) {
        expect(codeOf(() => openStorage(disk, { lock: "none" }))).toBe("not_formatted");
      }
      // The last name to go is that of the marker; without it, formatting had come to its end.
      const again = codeOf(() => formatStorage(disk, { ...options, initialSnapshot }));
      expect(["no error", "already_formatted"]).toContain(again);
      expect(openStorage(disk, { lock: "none" }).lastIndex()).toBe(1);
    }
  });

  it.each([
    ["an empty cluster id", { clusterId: "" }, /cluster id of 1 to 64/],
    ["a cluster id with a slash", { clusterId: "a/b" }, /cluster id of 1 to 64/],
    ["node id 0", { nodeId: 0 }, /node id from 1 to 2\^53-1/],
    ["node id 2^53", { nodeId: 2 ** 53 }, /node id from 1 to 2\^53-1/],
    ["a storage id with a space", { storageId: "a b" }, /storage id of 1 to 64/],
    ["a large genesis", { genesis: new Uint8Array(65 * 1024) }, /genesis of at most 65536 bytes/],
    ["an odd segment size", { segmentBytes: 1000 }, /segment size from 4096/],
    [
      "a large snapshot",
      { initialSnapshot: { ...initialSnapshot, data: new Uint8Array(17 * 1024 * 1024) } },
      /at most 16777216 bytes/,
    ],
  ])("refuses %s before anything is written", (_, wrong, message) => {
    const disk = emptyDisk();
    expect(() => formatStorage(disk, { ...options, ...wrong })).toThrow(message);
    expect(disk.counters.operations).toBe(0);
  });

  it("fails clearly on a full disk and can be repeated with more room", () => {
    const disk = emptyDisk();
    disk.capacityBytes = 2000;
    expect(codeOf(() => formatStorage(disk, options))).toBe("io");
    expect(disk.counters.fullDisk).toBe(1);
    disk.capacityBytes = 100_000;
    formatStorage(disk, options);
    expect(openStorage(disk, { lock: "none" }).bootCount).toBe(1);
  });
});

describe("start (I1, I4)", () => {
  it("never starts an empty or wiped directory", () => {
    refuseEmptyDisks(storage);
  });

  it("tells clones apart by their incarnation", () => {
    tellClonesApart(storage);
  });

  it("refuses the directory of another node or cluster", () => {
    const disk = emptyDisk();
    formatStorage(disk, { ...options, nodeId: 5 });
    expect(() => openStorage(disk, { lock: "none", expect: { nodeId: 6 } })).toThrow(
      /identity_mismatch.*nodeId 6, found 5/,
    );
    expect(codeOf(() => openStorage(disk, { lock: "none", expect: { clusterId: "c-2" } }))).toBe("identity_mismatch");
    expect(openStorage(disk, { lock: "none", expect: { nodeId: 5, clusterId: "c-1" } }).bootCount).toBe(1);
  });

  it("refuses an identity that rotted", () => {
    const disk = emptyDisk();
    formatStorage(disk, options);
    overwrite(disk, "IDENTITY", Buffer.from("?"), 12);
    expect(() => openStorage(disk, { lock: "none" })).toThrow(/\[damaged\] IDENTITY at byte 0 .*expected checksum/);
  });
});
