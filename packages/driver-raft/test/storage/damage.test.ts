// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import * as storage from "../../src/storage/index.ts";
import { contentOf, overwrite, tryOpen, usedDisk } from "./checks.ts";
import {
  doubleFault,
  flipBehindTheLog,
  flipEverywhere,
  misplacedBatch,
  oldWatermark,
  tornBatch,
} from "./damage-checks.ts";

describe("open rules C4 and C7", () => {
  it("refuses to start after any flipped bit in what was answered for, and never forgets", () => {
    expect(flipEverywhere(storage, 3)).toBeGreaterThan(1000);
  });

  it("refuses when a batch and its slot are both bad, and when no slot is readable", () => {
    doubleFault(storage);
  });

  it("refuses a watermark that is older than the log", () => {
    oldWatermark(storage);
  });

  it("refuses a batch of another disk at its place", () => {
    misplacedBatch(storage);
  });

  it("says which file, where, what was expected, and what the operator must do", () => {
    const life = usedDisk(storage);
    const attempt = tryOpen(life, storage, (disk) => disk.flipBit(lastSegment(life.disk), 600, 2));
    expect(attempt).toMatchObject({ kind: "refused", code: "damaged" });
    const message = "message" in attempt ? attempt.message : "";
    expect(message).toMatch(
      /wal-[0-9a-f]{14} at byte 512 in .*expected (header )?checksum 0x[0-9a-f]{8}.*, found 0x[0-9a-f]{8}/,
    );
    expect(message).toMatch(/Remove node 1 from the cluster and add a new node/);
  });

  it("changes nothing when it refuses", () => {
    const life = usedDisk(storage);
    const disk = life.disk.clone("other");
    disk.flipBit(lastSegment(life.disk), 600, 2);
    const before = disk.list().map((name) => [name, Buffer.from(contentOf(disk, name)).toString("hex")]);
    expect(() => storage.openStorage(disk, { lock: "none" })).toThrow(/damaged/);
    expect(disk.list().map((name) => [name, Buffer.from(contentOf(disk, name)).toString("hex")])).toEqual(before);
  });

  it("refuses files of another storage", () => {
    const life = usedDisk(storage);
    const other = usedDisk(storage);
    const foreign = new storage.SimulatedDirectory({ chance: () => 0.5 });
    storage.formatStorage(foreign, { clusterId: "test", nodeId: 1, segmentBytes: 4096 });
    const strange = contentOf(foreign, "watermark");
    expect(tryOpen(life, storage, (disk) => overwrite(disk, "watermark", strange))).toMatchObject({
      kind: "refused",
      code: "identity_mismatch",
    });
    expect(tryOpen(other, storage, () => undefined).kind).toBe("opened");
  });
});

describe("open rules C5 and C6", () => {
  it("cuts off a flip behind the log, durably, and says so", () => {
    flipBehindTheLog(storage, 97);
  });

  it("keeps an unanswered batch that is whole and cuts off every other remainder of it, durably", () => {
    expect(tornBatch(storage)).toEqual({ cut: 6, kept: 1 });
  });
});

function lastSegment(disk: storage.SimulatedDirectory): string {
  return disk
    .clone()
    .list()
    .filter((name) => name.startsWith("wal-"))
    .at(-1) as string;
}
