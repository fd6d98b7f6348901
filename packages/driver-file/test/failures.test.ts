// SPDX-License-Identifier: Apache-2.0
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConsensusError } from "@tsoracle/consensus";
import { EPOCH_ZERO, parseSeqKey, physicalMs, type SeqKey } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { openFileDriver } from "../src/index.ts";
import { encodeState } from "../src/state-record.ts";
import { FaultyFileSystem, type Operation, systemError } from "./faulty-file-system.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const KEY = ((): SeqKey => {
  const parsed = parseSeqKey("invoices");
  if (!parsed.ok) throw new Error("a valid key");
  return parsed.key;
})();

const STATE_100 = Buffer.from(encodeState(physicalMs(100))).toString("hex");

async function rejection(promise: Promise<unknown>): Promise<ConsensusError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConsensusError) return error;
  throw new Error(`expected a ConsensusError, got ${String(error)}`);
}

describe("a refused write", () => {
  it.each([
    ["create", "EACCES"],
    ["create", "EROFS"],
    ["write", "ENOSPC"],
    ["write", "EFBIG"],
  ] as const)(
    "%s answers %s: permanent, nothing written, and later writes are tried again",
    async (operation, code) => {
      await using home = await temporaryDirectory();
      const fileSystem = new FaultyFileSystem();
      await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
      await driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
      const before = await home.hex("state");

      fileSystem.fail(operation, systemError(code));
      const error = await rejection(driver.persistHighWater(physicalMs(200), EPOCH_ZERO));

      expect(error.code).toBe("permanent");
      expect(error.message).toContain(code);
      expect(error.message).toContain(`${home.path}/state.tmp`);
      expect(await driver.loadHighWater()).toBe(100);
      expect(await home.hex("state")).toBe(before);
      expect(await driver.persistHighWater(physicalMs(150), EPOCH_ZERO)).toBe(150);
    },
  );

  it("takes nothing from a sequence", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    await driver.sequences.advance([{ key: KEY, count: 3 }], EPOCH_ZERO);
    fileSystem.fail("write", systemError("ENOSPC"));
    await rejection(driver.sequences.advance([{ key: KEY, count: 5 }], EPOCH_ZERO));
    expect(await driver.sequences.load(KEY)).toBe(3n);
    expect(await driver.sequences.advance([{ key: KEY, count: 1 }], EPOCH_ZERO)).toEqual([3n]);
  });
});

describe("a doubtful write", () => {
  const doubtful: readonly (readonly [Operation, string])[] = [
    ["create", "EIO"],
    ["write", "EIO"],
    ["sync", "EIO"],
    ["sync", "ENOSPC"],
    ["close", "EIO"],
    ["rename", "EIO"],
    ["sync-directory", "EIO"],
  ];

  it.each(doubtful)("%s answers %s: it stops everything, says why, and writes no more", async (operation, code) => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    const driver = await openFileDriver({ stateDir: home.path, fileSystem });
    await driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
    expect(await home.hex("state")).toBe(STATE_100);
    const roles: string[] = [];
    const watched = (async () => {
      for await (const item of driver.leadershipEvents({ signal: new AbortController().signal })) roles.push(item.role);
    })();

    fileSystem.fail(operation, systemError(code));
    const error = await rejection(driver.persistHighWater(physicalMs(200), EPOCH_ZERO));

    expect(error.code).toBe("permanent");
    expect(error.message).toContain(code);
    expect(error.message).toContain(home.path);
    expect(error.message).toContain("start again");
    expect(await rejection(watched)).toBe(error);
    expect(roles).toEqual(["leader", "unknown"]);
    const begun = fileSystem.log.length;
    expect(await rejection(driver.persistHighWater(physicalMs(1), EPOCH_ZERO))).toBe(error);
    expect(await rejection(driver.persistHighWater(physicalMs(300), EPOCH_ZERO))).toBe(error);
    expect(await rejection(driver.loadHighWater())).toBe(error);
    expect(await rejection(driver.sequences.load(KEY))).toBe(error);
    expect(await rejection(driver.sequences.advance([{ key: KEY, count: 1 }], EPOCH_ZERO))).toBe(error);
    expect(await rejection(driver.leases.load())).toBe(error);
    expect(await rejection(driver.leases.replace([], EPOCH_ZERO))).toBe(error);
    const later = driver.leadershipEvents({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    expect(await rejection(later.next())).toBe(error);
    expect(fileSystem.log.length).toBe(begun);

    await driver[Symbol.asyncDispose]();
    await using reopened = await openFileDriver({ stateDir: home.path });
    expect(await reopened.loadHighWater()).toBe(operation === "sync-directory" ? 200 : 100);
  });

  it("rejects those who wait behind it too, and their writes are never begun", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const release = fileSystem.stall();
    const begun = fileSystem.arrival("create state.tmp");
    const first = rejection(driver.persistHighWater(physicalMs(100), EPOCH_ZERO));
    await begun;
    const second = rejection(driver.persistHighWater(physicalMs(200), EPOCH_ZERO));
    const third = rejection(driver.sequences.advance([{ key: KEY, count: 1 }], EPOCH_ZERO));
    fileSystem.fail("sync", systemError("EIO"));
    release();
    const error = await first;
    expect(await second).toBe(error);
    expect(await third).toBe(error);
    // The first entry is the parent directory, at opening.
    expect(fileSystem.log.slice(1)).toEqual([
      "create state.tmp",
      "write state.tmp",
      "sync state.tmp",
      "close state.tmp",
    ]);
  });
});

describe("a directory that is taken away", () => {
  it.each([
    ["its LOCK is removed", (path: string) => rm(join(path, "LOCK"))],
    [
      "its LOCK is replaced",
      async (path: string) => {
        await rm(join(path, "LOCK"));
        await writeFile(join(path, "LOCK"), "");
      },
    ],
    [
      "it is moved away and another is put in its place",
      async (path: string) => {
        await rename(path, `${path}-moved`);
        await mkdir(path);
      },
    ],
  ])("%s: the driver stops before it writes, and does not disturb the next one", async (_, takeAway) => {
    await using home = await temporaryDirectory();
    const stateDir = join(home.path, "state-dir");
    await using driver = await openFileDriver({ stateDir });
    await driver.persistHighWater(physicalMs(100), EPOCH_ZERO);
    await takeAway(stateDir);
    await using next = await openFileDriver({ stateDir });
    const found = await next.loadHighWater();
    await next.persistHighWater(physicalMs(found + 1_000), EPOCH_ZERO);

    const error = await rejection(driver.persistHighWater(physicalMs(200), EPOCH_ZERO));
    expect(error.code).toBe("permanent");
    expect(error.message).toContain(join(stateDir, "LOCK"));
    expect(await home.hex("state-dir/state")).toBe(Buffer.from(encodeState(physicalMs(found + 1_000))).toString("hex"));
    expect(await next.persistHighWater(physicalMs(found + 2_000), EPOCH_ZERO)).toBe(found + 2_000);
  });

  it("stops even when it happens in the middle of a write", async () => {
    await using home = await temporaryDirectory();
    const fileSystem = new FaultyFileSystem();
    await using driver = await openFileDriver({ stateDir: home.path, fileSystem });
    const release = fileSystem.stall();
    const begun = fileSystem.arrival("create state.tmp");
    const raised = rejection(driver.persistHighWater(physicalMs(100), EPOCH_ZERO));
    await begun;
    await rm(join(home.path, "LOCK"));
    release();
    expect((await raised).message).toContain("LOCK");
    expect(await home.hex("state")).toBeUndefined();
  });
});

describe("opening over a failing disk", () => {
  it.each([
    ["write", "ENOSPC"],
    ["sync", "EIO"],
    ["sync-directory", "EIO"],
  ] as const)("%s answers %s: it refuses, keeps the record and frees the lock", async (operation, code) => {
    await using home = await temporaryDirectory();
    const first = await openFileDriver({ stateDir: home.path });
    await first.persistHighWater(physicalMs(100), EPOCH_ZERO);
    await first[Symbol.asyncDispose]();

    const fileSystem = new FaultyFileSystem();
    // One more for the parent directory, whose sync may fail.
    fileSystem.fail(operation, systemError(code), operation === "sync-directory" ? 2 : 1);
    const refused = openFileDriver({ stateDir: home.path, fileSystem });
    await expect(refused).rejects.toMatchObject({ code: "io", message: expect.stringContaining(code) });
    expect(await home.hex("state")).toBe(STATE_100);

    await using reopened = await openFileDriver({ stateDir: home.path });
    expect(await reopened.loadHighWater()).toBe(100);
  });
});
