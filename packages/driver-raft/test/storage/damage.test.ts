// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as storage from "../../src/storage/index.ts";
import { arbitraryOp } from "./arbitrary-op.ts";
import { contentOf, overwrite, tryOpen, usedDisk } from "./checks.ts";
import {
  doubleFault,
  flipBehindTheLog,
  flipEverywhere,
  flipUnanswered,
  misplacedBatch,
  oldWatermark,
  tornBatch,
} from "./damage-checks.ts";
import { Life, seeded } from "./life.ts";
import { difference } from "./model.ts";

describe("open rules C4 and C7", { timeout: 120_000 }, () => {
  it("refuses to start after any flipped bit in what was answered for, and never forgets", () => {
    expect(flipEverywhere(storage, 3)).toBeGreaterThan(1000);
  });

  it("refuses or keeps everything after a flipped bit anywhere, whatever was written before", () => {
    const flip = fc.record({ file: fc.nat(), offset: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) });
    const seen = { refused: 0, opened: 0 };
    fc.assert(
      fc.property(
        fc.array(arbitraryOp, { maxLength: 15 }),
        fc.array(flip, { minLength: 10, maxLength: 10 }),
        (ops, flips) => {
          const life = new Life(storage, seeded(ops.length));
          life.start();
          for (const op of ops) life.run(op);
          life.storage?.close();
          const names = life.disk.list();
          for (const { file, offset, bit } of flips) {
            const name = names[file % names.length] as string;
            const size = contentOf(life.disk, name).length;
            const attempt = tryOpen(life, storage, (disk) => disk.flipBit(name, offset % size, bit));
            seen[attempt.kind] += 1;
            if (attempt.kind === "opened") expect(difference(attempt.storage, life.acknowledged)).toBeUndefined();
            else expect(["damaged", "identity_mismatch"]).toContain(attempt.code);
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(Math.min(seen.refused, seen.opened)).toBeGreaterThan(50);
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

  it("cuts off an unanswered batch with a flipped bit anywhere in it", () => {
    flipUnanswered(storage);
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
