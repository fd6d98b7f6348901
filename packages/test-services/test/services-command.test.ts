// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function services(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const program = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("services ensure", () => {
  it("says what the tests will use and exits 0", async () => {
    const { code, stdout } = await services(["ensure"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Postgres: .+, from .+$/m);
    expect(stdout).toMatch(/^Redis: .+, from .+$/m);
  });

  it("exits 1 with the reason when a required service is missing", async () => {
    const { code, stderr } = await services(["ensure"], { SERVICES_REDIS_BIN: "/nowhere/redis-server" });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "No Redis is available. Tried:\n  - SERVICES_REDIS_BIN: /nowhere/redis-server does not run",
    );
  });

  it("exits 1 with one line for a variable that cannot be read", async () => {
    const { code, stderr } = await services(["ensure"], { TEST_POSTGRES_URL: "nonsense" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^services: TEST_POSTGRES_URL must hold URLs .*\n$/);
  });
});

describe("services doctor", () => {
  it("reports without failing, and without showing what a variable holds", async () => {
    const { code, stdout } = await services(["doctor"], {
      SERVICES_REDIS_BIN: "/nowhere/redis-server",
      TEST_POSTGRES_URL: "postgres://me:hunter2@127.0.0.1:1/db",
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^variables: .*TEST_POSTGRES_URL.*SERVICES_REDIS_BIN/m);
    expect(stdout).toContain("No Redis is available");
    expect(stdout).not.toContain("hunter2");
  });
});

describe("services", () => {
  it.each([[[]], [["unknown"]], [["ensure", "more"]]])("refuses the arguments %j with its usage", async (args) => {
    expect(await services(args)).toEqual({ code: 2, stdout: "", stderr: "usage: services ensure | doctor\n" });
  });
});
