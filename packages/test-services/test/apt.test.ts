// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCache } from "../src/apt/cache-directory.ts";
import { lockCache } from "../src/apt/cache-lock.ts";
import { libraryPackages } from "../src/apt/library-package.ts";
import { OwnedDirectory } from "../src/owned-directory.ts";
import { isRoot } from "../src/process/account.ts";

describe("packages of a library", () => {
  it.each([
    ["libjemalloc.so.2", "libjemalloc2"],
    ["liblzf.so.1", "liblzf1"],
    ["libatomic.so.1", "libatomic1"],
    ["libssl.so.3", "libssl3"],
    ["libcrypto.so.3", "libssl3"],
    ["libcares.so.2", "libc-ares2"],
    ["libevent-2.1.so.7", "libevent-2.1-7"],
    ["liblz4.so.1", "liblz4-1"],
    ["liblua5.1.so.0", "liblua5.1-0"],
    ["libgcc_s.so.1", "libgcc-s1"],
    ["libstdc++.so.6", "libstdc++6"],
    ["libgpg-error.so.0", "libgpg-error0"],
  ])("of %s are %s, or that name of the 64-bit time transition", (soname, name) => {
    expect(libraryPackages(soname)).toEqual([name, `${name}t64`]);
  });

  it("are none for what is no versioned library", () => {
    expect(libraryPackages("ld-linux-x86-64.so.2")).toEqual([]);
    expect(libraryPackages("libplain.so")).toEqual([]);
  });
});

// Abstract sockets, and the archive that the lock is for, are Linux only.
if (process.platform === "linux") {
  describe("the lock of the cache", () => {
    it("lets one in at a time", async () => {
      let inside = 0;
      let most = 0;
      const enter = async (): Promise<void> => {
        await using _lock = await lockCache("one at a time");
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      };
      await Promise.all(Array.from({ length: 8 }, enter));
      expect(most).toBe(1);
      expect(inside).toBe(0);
    });

    it("is free at once when its holder is killed", async () => {
      const program = `const { createServer } = require("node:net");
        const { createHash } = require("node:crypto");
        const name = "\\0tsoracle-services-" + createHash("sha256").update("killed holder").digest("hex").slice(0, 32);
        createServer((socket) => socket.on("error", () => {})).listen(name, () => console.log("held"));`;
      const holder = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
      await once(holder.stdout, "data");
      await expect(lockCache("killed holder", 50)).rejects.toThrow("another process has been filling killed holder");
      const waiting = lockCache("killed holder", 15_000);
      holder.kill("SIGKILL");
      const lock = await waiting;
      await lock[Symbol.asyncDispose]();
    });
  });
}

describe("the directory of the cache", () => {
  it("is made for its user alone", async () => {
    await using parent = new OwnedDirectory();
    const path = join(parent.path, "deep", "cache");
    expect(openCache({ path, isExplicit: true })).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it("is refused with the variable's name when it was named and cannot be used", async () => {
    await using parent = new OwnedDirectory();
    const file = join(parent.path, "file", "cache");
    expect(() => openCache({ path: join("/dev/null", "cache"), isExplicit: true })).toThrow("SERVICES_CACHE");
    expect(existsSync(file)).toBe(false);
  });

  it("falls back to a private one when the home cannot be written to", async () => {
    await using parent = new OwnedDirectory();
    const home = join(parent.path, "home");
    mkdirSync(home);
    chmodSync(home, 0o500);
    // Root may write everywhere, so a place below a device stands for a home that cannot be written to.
    const path = isRoot() ? "/dev/null/cache" : join(home, "cache");
    const fallback = openCache({ path, isExplicit: false }, parent.path);
    expect(fallback).not.toBe(path);
    expect(statSync(fallback).mode & 0o022).toBe(0);
    expect(statSync(fallback).uid).toBe(process.getuid?.() ?? 0);
  });
});
