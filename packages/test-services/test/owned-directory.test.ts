// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { OwnedDirectory, ownerOf, sweepDeadDirectories } from "../src/owned-directory.ts";
import { isGone, ownIdentity, startOf } from "../src/process/identity.ts";

describe("process identity", () => {
  it("tells a process from a later one with the same pid", () => {
    expect(isGone(ownIdentity())).toBe(false);
    expect(isGone({ ...ownIdentity(), start: "1" })).toBe(true);
  });

  it("counts every process of an earlier boot as gone, and none of another machine or container", () => {
    expect(isGone({ ...ownIdentity(), boot: "00000000" })).toBe(true);
    expect(isGone({ ...ownIdentity(), scope: "00000000", start: "1" })).toBe(false);
  });

  it("notices the end of a process", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    const identity = { ...ownIdentity(), pid, start: startOf(pid) ?? "" };
    expect(isGone(identity)).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(isGone(identity)).toBe(true);
  });
});

describe("owned directories", () => {
  it("carry their owner in their name", async () => {
    await using directory = new OwnedDirectory();
    expect(ownerOf(basename(directory.path))).toEqual(ownIdentity());
  });

  it("go when they are disposed of, with all that is in them", async () => {
    const directory = new OwnedDirectory();
    writeFileSync(join(directory.path, "file"), "text");
    await directory[Symbol.asyncDispose]();
    expect(existsSync(directory.path)).toBe(false);
  });

  it("are swept when their owner is dead, while those of the living, of strangers and other things stay", async () => {
    await using parent = new OwnedDirectory();
    const { scope, boot, pid, start } = ownIdentity();
    const make = (name: string): string => {
      const path = join(parent.path, name);
      mkdirSync(path);
      return path;
    };
    const dead = make(`tsoracle-services-${scope}-${boot}-${pid}-1-abcdef`);
    mkdirSync(join(dead, "data"));
    const kept = [
      make(`tsoracle-services-${scope}-${boot}-${pid}-${start}-abcdef`),
      make(`tsoracle-services-00000000-${boot}-${pid}-1-abcdef`),
      make("tsoracle-services-something"),
      make("other"),
    ];
    expect(sweepDeadDirectories(parent.path)).toEqual([dead]);
    expect(existsSync(dead)).toBe(false);
    for (const path of kept) expect(existsSync(path)).toBe(true);
  });
});
