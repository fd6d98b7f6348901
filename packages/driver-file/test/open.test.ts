// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { EPOCH_ZERO, physicalMs } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { type FileSystem, initStateDirectory, nodeFileSystem, openFileDriver } from "../src/index.ts";
import { encodeLeases } from "../src/lease-record.ts";
import { encodeState } from "../src/state-record.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("openFileDriver", () => {
  it("creates the directory with its parents", async () => {
    await using home = await temporaryDirectory();
    const stateDir = join(home.path, "a", "b");
    await using driver = await openFileDriver({ stateDir });
    await driver.persistHighWater(physicalMs(12_345), EPOCH_ZERO);
    expect(await home.hex("a/b/state")).toBe("54534f520139300000000000004b0a009f");
    expect((await readdir(stateDir)).sort()).toEqual(["LOCK", "state"]);
  });

  it("makes new directories durable, then locks, and only then reads", async () => {
    await using home = await temporaryDirectory();
    const log: string[] = [];
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      lock: (path) => {
        log.push(`lock ${relative(home.path, path)}`);
        return nodeFileSystem.lock(path);
      },
      readFile: (path) => {
        log.push(`read ${relative(home.path, path)}`);
        return nodeFileSystem.readFile(path);
      },
      openDirectory: async (path) => {
        const directory = await nodeFileSystem.openDirectory(path);
        const sync = (): Promise<void> => {
          log.push(`sync ${relative(home.path, path)}`);
          return directory.sync();
        };
        return { ...directory, sync };
      },
    };
    await using driver = await openFileDriver({ stateDir: join(home.path, "a", "b"), fileSystem });
    expect(await driver.loadHighWater()).toBe(0);
    expect(log).toEqual(["sync a", "sync ", "lock a/b/LOCK", "read a/b/state", "read a/b/dense", "read a/b/leases"]);
  });

  it("stays with its directory when the link to it is turned elsewhere", async () => {
    await using home = await temporaryDirectory();
    await mkdir(join(home.path, "real"));
    await symlink("real", join(home.path, "link"));
    await using driver = await openFileDriver({ stateDir: join(home.path, "link") });
    expect(driver.stateDir).toBe(join(home.path, "real"));
    await expect(openFileDriver({ stateDir: join(home.path, "real") })).rejects.toMatchObject({
      code: "already_locked",
    });
  });

  it.each(["state", "dense", "leases"])("refuses a damaged %s, touches nothing, and frees the lock", async (file) => {
    await using home = await temporaryDirectory();
    await writeFile(join(home.path, "state"), encodeState(physicalMs(5)));
    await writeFile(join(home.path, "leases"), encodeLeases([]));
    await writeFile(join(home.path, file), "not a record, but long enough for one");
    const before = await Promise.all(["state", "dense", "leases"].map(home.hex));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(openFileDriver({ stateDir: home.path })).rejects.toMatchObject({
        code: "bad_magic",
        path: join(home.path, file),
        message: expect.stringContaining(join(home.path, file)),
      });
    }
    expect(await Promise.all(["state", "dense", "leases"].map(home.hex))).toEqual(before);
    expect((await readdir(home.path)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("ignores what a crash left unfinished, and overwrites it", async () => {
    await using home = await temporaryDirectory();
    await writeFile(join(home.path, "state"), encodeState(physicalMs(5)));
    await writeFile(join(home.path, "state.tmp"), "torn");
    await writeFile(join(home.path, "dense.tmp"), "torn");
    await using driver = await openFileDriver({ stateDir: home.path });
    expect(await driver.loadHighWater()).toBe(5);
    expect(await driver.persistHighWater(physicalMs(6), EPOCH_ZERO)).toBe(6);
  });

  it("refuses a directory that cannot be one", async () => {
    await using home = await temporaryDirectory();
    await writeFile(join(home.path, "file"), "");
    const stateDir = join(home.path, "file", "state-dir");
    await expect(openFileDriver({ stateDir })).rejects.toMatchObject({
      code: "io",
      message: expect.stringMatching(new RegExp(`${stateDir}.*ENOTDIR.*writable`)),
    });
  });

  // On Linux mkdir answers ENOENT there although the parent exists, which a recursive mkdir tries again without end.
  it("refuses a place where no directory can be made", async () => {
    await expect(openFileDriver({ stateDir: "/proc/tsoracle/state-dir" })).rejects.toMatchObject({
      code: "io",
      message: expect.stringContaining("/proc/tsoracle/state-dir"),
    });
  });

  it("makes one directory for all who open it at once, and lets one of them have it", async () => {
    await using home = await temporaryDirectory();
    const stateDir = join(home.path, "a", "b", "c");
    const opened = await Promise.allSettled(Array.from({ length: 8 }, () => openFileDriver({ stateDir })));
    const drivers = opened.filter((result) => result.status === "fulfilled");
    const refusals = opened.filter((result) => result.status === "rejected");
    for (const { value } of drivers) await value[Symbol.asyncDispose]();
    expect(drivers).toHaveLength(1);
    expect(refusals.map(({ reason }) => reason.code)).toEqual(Array.from({ length: 7 }, () => "already_locked"));
  });

  it("refuses a record file that cannot be read", async () => {
    await using home = await temporaryDirectory();
    await mkdir(join(home.path, "state"));
    await expect(openFileDriver({ stateDir: home.path })).rejects.toMatchObject({
      code: "io",
      path: join(home.path, "state"),
      message: expect.stringContaining("EISDIR"),
    });
  });

  it.each([
    ["an empty path", { stateDir: "" }, "stateDir"],
    ["a timeout of nothing", { stateDir: "/nowhere", writeTimeoutMs: 0 }, "writeTimeoutMs"],
    ["a timeout that timers cannot hold", { stateDir: "/nowhere", writeTimeoutMs: 2 ** 31 }, "writeTimeoutMs"],
  ])("refuses %s", async (_, options, named) => {
    await expect(openFileDriver(options)).rejects.toMatchObject({
      code: "invalid_option",
      message: expect.stringContaining(named),
    });
  });
});

describe("initStateDirectory", () => {
  it("begins a history at the seed", async () => {
    await using home = await temporaryDirectory();
    const stateDir = join(home.path, "new");
    await initStateDirectory({ stateDir, seedPhysicalMs: 2 ** 46 - 1 });
    expect(await home.hex("new/state")).toBe("54534f5201ffffffffff3f0000851fe23a");
    await using driver = await openFileDriver({ stateDir });
    expect(await driver.loadHighWater()).toBe(2 ** 46 - 1);
  });

  it.each([2 ** 46, -1, 1.5, Number.NaN])("refuses the seed %s before it makes anything", async (seedPhysicalMs) => {
    await using home = await temporaryDirectory();
    await expect(initStateDirectory({ stateDir: join(home.path, "new"), seedPhysicalMs })).rejects.toMatchObject({
      code: "physical_ms_out_of_range",
    });
    expect(await readdir(home.path)).toEqual([]);
  });

  it("leaves a history alone, a damaged one too", async () => {
    await using home = await temporaryDirectory();
    await writeFile(join(home.path, "state"), "damaged");
    await expect(initStateDirectory({ stateDir: home.path, seedPhysicalMs: 1 })).rejects.toMatchObject({
      code: "already_initialised",
      path: join(home.path, "state"),
    });
    expect(await home.hex("state")).toBe(Buffer.from("damaged").toString("hex"));
  });

  it("takes the lock that serving takes, and frees it", async () => {
    await using home = await temporaryDirectory();
    const driver = await openFileDriver({ stateDir: home.path });
    const init = (): Promise<void> => initStateDirectory({ stateDir: home.path, seedPhysicalMs: 7 });
    await expect(init()).rejects.toMatchObject({ code: "already_locked" });
    await driver[Symbol.asyncDispose]();
    await init();
    await using reopened = await openFileDriver({ stateDir: home.path });
    expect(await reopened.loadHighWater()).toBe(7);
  });
});
