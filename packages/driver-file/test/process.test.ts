// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseSeqKey } from "@tsoracle/core";
import { describe, expect, it } from "vitest";
import { openFileDriver } from "../src/index.ts";
import { OracleProcess } from "./spawn-oracle.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("the lock", () => {
  it("excludes others while its holder lives, names it, and is free when it was killed", async () => {
    await using home = await temporaryDirectory();
    await using holder = new OracleProcess("hold", home.path);
    await holder.line("ready");

    const refused = openFileDriver({ stateDir: home.path });
    await expect(refused).rejects.toMatchObject({
      name: "FileDriverError",
      code: "already_locked",
      path: home.path,
      holderPid: holder.pid,
      message: expect.stringMatching(new RegExp(`${home.path} is in use by process ${holder.pid}\\b`)),
    });

    await holder.kill();
    await using driver = await openFileDriver({ stateDir: home.path });
    expect(await driver.loadHighWater()).toBe(0);
  });

  it("is not inherited by the children of its holder", async () => {
    await using home = await temporaryDirectory();
    await using holder = new OracleProcess("with-child", home.path);
    const child = Number((await holder.line("child")).split(" ")[1]);
    try {
      await holder.line("ready");
      await holder.kill();
      expect(process.kill(child, 0)).toBe(true);
      const driver = await openFileDriver({ stateDir: home.path });
      await driver[Symbol.asyncDispose]();
    } finally {
      process.kill(child, "SIGKILL");
    }
  });

  it("excludes a second driver of the same process, and one of many that open at once gets it", async () => {
    await using home = await temporaryDirectory();
    const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => openFileDriver({ stateDir: home.path })));
    const drivers = attempts.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(drivers.length).toBe(1);
    for (const one of attempts) {
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "already_locked" });
    }
    await drivers[0]?.[Symbol.asyncDispose]();
    await using again = await openFileDriver({ stateDir: home.path });
    expect(await again.loadHighWater()).toBe(0);
  });

  it("does not name a process that is gone, and does not believe a number over the kernel", async () => {
    await using home = await temporaryDirectory();
    await using gone = new OracleProcess("hold", home.path);
    await gone.line("ready");
    await gone.kill();
    expect(await readFile(join(home.path, "LOCK"), "utf8")).toBe(`${gone.pid}\n`);

    await using driver = await openFileDriver({ stateDir: home.path });
    expect(await readFile(join(home.path, "LOCK"), "utf8")).toBe(`${process.pid}\n`);
    await writeFile(join(home.path, "LOCK"), `${gone.pid}\n`);
    await expect(openFileDriver({ stateDir: home.path })).rejects.toMatchObject({
      code: "already_locked",
      holderPid: undefined,
      message: expect.stringContaining("another process"),
    });
    expect(await driver.loadHighWater()).toBe(0);
  });
});

describe("kill -9", () => {
  it("loses nothing that was acknowledged, however often and whenever it strikes", async () => {
    await using home = await temporaryDirectory();
    const parsed = parseSeqKey("invoices");
    if (!parsed.ok) throw new Error("a valid key");
    let highWater = 0;
    let next = 0;
    for (const lines of [1, 2, 3, 20, 41, 80]) {
      await using oracle = new OracleProcess("persist", home.path);
      await oracle.count(lines);
      await oracle.kill();
      for (const [name, value] of oracle.lines.map((line) => line.split(" "))) {
        if (name === "high-water") highWater = Number(value);
        if (name === "start") next = Number(value) + 1;
      }
      await using driver = await openFileDriver({ stateDir: home.path });
      const found = { highWater: await driver.loadHighWater(), next: Number(await driver.sequences.load(parsed.key)) };
      // Beyond what was acknowledged at most one write of each file was under way.
      expect(found.highWater - highWater, `killed after ${oracle.lines.length} lines`).toBeOneOf([0, 1]);
      expect(found.next - next, `killed after ${oracle.lines.length} lines`).toBeOneOf([0, 1]);
      ({ highWater, next } = found);
    }
  });

  it.each([
    ["create state.tmp", 100],
    ["write state.tmp", 100],
    ["sync state.tmp", 100],
    ["close state.tmp", 100],
    ["rename state", 100],
    ["sync-directory", 200],
  ])("before %s leaves a whole record", async (operation, highWater) => {
    await using home = await temporaryDirectory();
    await using oracle = new OracleProcess("die-at", home.path, operation);
    await oracle.ended();
    expect(oracle.lines).toEqual(["high-water 100"]);
    await using driver = await openFileDriver({ stateDir: home.path });
    expect(await driver.loadHighWater()).toBe(highWater);
  });
});

describe("a disk that takes no more", () => {
  it("refuses the write with the system's reason and goes on when there is room again", async () => {
    await using home = await temporaryDirectory();
    await using oracle = new OracleProcess("fill-disk", home.path);
    await oracle.count(4);
    expect(oracle.lines[1]).toMatch(/^\[permanent\] .*state\.tmp.*EFBIG/);
    expect(oracle.lines.slice(2)).toEqual(["high-water 100", "high-water 300"]);
    await oracle.kill();
    await using driver = await openFileDriver({ stateDir: home.path });
    expect(await driver.loadHighWater()).toBe(300);
  });
});
