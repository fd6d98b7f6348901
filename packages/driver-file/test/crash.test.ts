// SPDX-License-Identifier: Apache-2.0
import { EPOCH_ZERO, type LeaseRecord, parseSeqKey, physicalMs, type SeqKey } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { type FileDriver, openFileDriver } from "../src/index.ts";
import { FakeDisk, type Lie, STATE_DIR, SURVIVALS, type Survival } from "./fake-disk.ts";

const KEY = ((): SeqKey => {
  const parsed = parseSeqKey("invoices");
  if (!parsed.ok) throw new Error("a valid key");
  return parsed.key;
})();

const lease = (id: bigint): LeaseRecord => ({
  leaseId: id,
  holder: Uint8Array.of(1),
  holderEpoch: 1n,
  ttlMs: 5_000n,
  tsUpperBound: id,
  expiresAtMs: id,
  superseded: false,
});

/** What callers were told, and what they had asked for when the process died. */
interface Told {
  highWater: number;
  next: bigint;
  leaseId: bigint;
  asked: { highWater: number; next: bigint; leaseId: bigint };
}

/** Raises everything in steps, and notes what was asked before and acknowledged after each. */
async function work(driver: FileDriver, told: Told): Promise<void> {
  for (let round = 1; round <= 3; round += 1) {
    told.asked.highWater += 100;
    told.highWater = await driver.persistHighWater(physicalMs(told.asked.highWater), EPOCH_ZERO);
    told.asked.next += 5n;
    const [start] = await driver.sequences.advance([{ key: KEY, count: 5 }], EPOCH_ZERO);
    told.next = (start ?? 0n) + 5n;
    told.asked.leaseId += 1n;
    await driver.leases.replace([lease(told.asked.leaseId)], EPOCH_ZERO);
    told.leaseId = told.asked.leaseId;
  }
}

async function recovered(driver: FileDriver): Promise<{ highWater: number; next: bigint; leaseId: bigint }> {
  const [record] = await driver.leases.load();
  return {
    highWater: await driver.loadHighWater(),
    next: await driver.sequences.load(KEY),
    leaseId: record?.leaseId ?? 0n,
  };
}

const open = (disk: FakeDisk): Promise<FileDriver> =>
  openFileDriver({ stateDir: STATE_DIR, fileSystem: disk.startProcess().fileSystem });

/** Runs until the process dies at an operation; resolves to what callers were told by then. */
async function runUntilDeath(
  disk: FakeDisk,
  diesAt: number,
  moment: "before" | "after",
): Promise<{ told: Told; operations: readonly string[] }> {
  const told: Told = { highWater: 0, next: 0n, leaseId: 0n, asked: { highWater: 0, next: 0n, leaseId: 0n } };
  const process = disk.startProcess(diesAt, moment);
  const life = openFileDriver({ stateDir: STATE_DIR, fileSystem: process.fileSystem }).then((driver) =>
    work(driver, told),
  );
  await Promise.race([life, process.dead]);
  return { told, operations: process.operations };
}

/** Names what was lost or made up, if anything. */
function verdict(told: Told, found: { highWater: number; next: bigint; leaseId: bigint }): string | undefined {
  if (found.highWater < told.highWater || found.next < told.next || found.leaseId < told.leaseId) return "lost";
  const { asked } = told;
  if (found.highWater > asked.highWater || found.next > asked.next || found.leaseId > asked.leaseId) return "made up";
  return undefined;
}

/** Every point at which a process can die, with how the power fails after it. */
async function everyCrash(lies: readonly Lie[]): Promise<readonly string[]> {
  const whole = await runUntilDeath(new FakeDisk(lies), Number.POSITIVE_INFINITY, "before");
  const found: string[] = [];
  for (let diesAt = 0; diesAt < whole.operations.length; diesAt += 1) {
    for (const moment of ["before", "after"] as const) {
      for (const survival of SURVIVALS) {
        const problem = await crashOnce(lies, { diesAt, moment, survival });
        if (problem !== undefined) found.push(`${moment} ${whole.operations[diesAt]}, ${survival}: ${problem}`);
      }
    }
  }
  expect(whole.operations.length).toBe(3 + 9 * 6);
  return found;
}

async function crashOnce(
  lies: readonly Lie[],
  crash: { diesAt: number; moment: "before" | "after"; survival: Survival },
): Promise<string | undefined> {
  const disk = new FakeDisk(lies);
  const { told } = await runUntilDeath(disk, crash.diesAt, crash.moment);
  disk.cutPower(crash.survival);
  try {
    return verdict(told, await recovered(await open(disk)));
  } catch (error) {
    return `refused: ${String(error)}`;
  }
}

describe("durable.crash", () => {
  it("nothing acknowledged is lost and nothing is made up, wherever the power fails", async () => {
    expect(await everyCrash([])).toEqual([]);
  });

  it("control: a file system whose fsync does nothing is found out", async () => {
    expect(await everyCrash(["file-sync-does-nothing"])).not.toEqual([]);
  });

  it("control: a directory whose fsync does nothing is found out", async () => {
    expect(await everyCrash(["directory-sync-does-nothing"])).not.toEqual([]);
  });

  it("what a restarted process has answered is not lost to a power cut after it", async () => {
    const whole = await runUntilDeath(new FakeDisk(), Number.POSITIVE_INFINITY, "before");
    for (let diesAt = 0; diesAt < whole.operations.length; diesAt += 1) {
      const disk = new FakeDisk();
      await runUntilDeath(disk, diesAt, "after");
      // The process dies with its writes in the page cache; the next one sees them and answers from them.
      const answered = await recovered(await open(disk));
      disk.cutPower("synced-only");
      expect(await recovered(await open(disk)), `death after ${whole.operations[diesAt]}`).toEqual(answered);
    }
  });
});
