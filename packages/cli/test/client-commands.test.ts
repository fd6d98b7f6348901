// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { CliProcess, lines, runCli, startServer } from "./cli-process.ts";

async function memoryServer(...flags: readonly string[]): Promise<string> {
  return (await startServer(["memory", "--listen", "127.0.0.1:0", ...flags])).address;
}

/** Runs a client command that must succeed, and returns its lines. */
async function succeed(args: readonly string[], address: string): Promise<string[]> {
  const { code, stdout, stderr } = await runCli([...args, "--endpoints", address]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return lines(stdout);
}

function addressOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("expected a server on a port");
  return `127.0.0.1:${bound.port}`;
}

/** Accepts connections and never answers. */
async function silentServer(): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server;
}

describe("get", { timeout: 60_000 }, () => {
  it("prints rising timestamps, one a line, near the present", async () => {
    const address = await memoryServer();
    const first = (await succeed(["get", "-n", "500"], address)).map(BigInt);
    const second = (await succeed(["get"], address)).map(BigInt);
    const all = [...first, ...second];
    expect(all).toHaveLength(501);
    for (const [index, value] of all.entries()) if (index > 0) expect(value).toBeGreaterThan(all[index - 1] ?? value);
    expect(Math.abs(Number(all[0] ?? 0n) / 262_144 - Date.now())).toBeLessThan(60_000);
  });

  it("prints JSON that adds up to the value", async () => {
    const address = await memoryServer();
    for (const line of await succeed(["get", "-n", "3", "--json"], address)) {
      const { value, physicalMs, logical, epoch } = JSON.parse(line);
      expect(BigInt(value)).toBe(BigInt(physicalMs) * 262_144n + BigInt(logical));
      expect(epoch).toMatch(/^\d+$/);
    }
  });

  it("prints the largest batch whole", async () => {
    const address = await memoryServer();
    const values = await succeed(["get", "-n", "262144"], address);
    expect(new Set(values).size).toBe(262_144);
  });

  it("ends quietly when its reader goes away", async () => {
    const address = await memoryServer();
    const process = new CliProcess(["get", "-n", "262144", "--endpoints", address]);
    await process.untilStdout(/\n/);
    process.child.stdout?.destroy();
    expect(await process.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  it("fails with one line that names the endpoint when nobody listens", async () => {
    const { code, stdout, stderr } = await runCli(["get", "--endpoints", "127.0.0.1:1", "--timeout", "500ms"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(lines(stderr)).toEqual([expect.stringContaining("127.0.0.1:1")]);
  });

  it("does not wait for a silent server beyond its timeout", async () => {
    const address = addressOf(await silentServer());
    const { code, stderr } = await runCli(["get", "--endpoints", address, "--timeout", "300ms"]);
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([expect.stringContaining(address)]);
  });

  it("ends with 130 when it is interrupted", async () => {
    const server = await silentServer();
    const process = new CliProcess(["get", "--endpoints", addressOf(server)]);
    await once(server, "connection");
    expect(await process.kill("SIGINT")).toMatchObject({ code: 130, signal: null, stdout: "" });
  });
});

describe("seq", { timeout: 60_000 }, () => {
  it("counts from zero without gaps, each key by itself", async () => {
    const address = await memoryServer();
    expect(await succeed(["seq", "a"], address)).toEqual(["0"]);
    expect(await succeed(["seq", "a", "-n", "3"], address)).toEqual(["1", "2", "3"]);
    expect(await succeed(["seq", "b"], address)).toEqual(["0"]);
    expect(await succeed(["seq", "a", "--peek"], address)).toEqual(["4"]);
    const [json = ""] = await succeed(["seq", "a", "-n", "2", "--json"], address);
    expect(JSON.parse(json)).toMatchObject({ key: "a", start: "4", count: 2 });
  });

  it("says what the server's limit is, and takes nothing", async () => {
    const address = await memoryServer();
    const { code, stderr } = await runCli(["seq", "a", "-n", "65537", "--endpoints", address]);
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([expect.stringContaining("65536")]);
    expect(await succeed(["seq", "a"], address)).toEqual(["0"]);
  });
});

describe("lease", { timeout: 60_000 }, () => {
  it("is acquired, renewed under its id, released, and unknown after that", async () => {
    const address = await memoryServer();
    const [text = ""] = await succeed(["lease", "acquire", "worker", "--ttl", "10s", "--json"], address);
    const lease = JSON.parse(text);
    expect(lease.leaseId).toMatch(/^[1-9]\d*$/);
    expect(Number(lease.expiresAtMs)).toBeGreaterThan(Date.now());
    const [again = ""] = await succeed(["lease", "acquire", "worker", "--ttl", "10s", "--json"], address);
    expect(JSON.parse(again).leaseId).toBe(lease.leaseId);
    const [renewed = ""] = await succeed(["lease", "renew", lease.leaseId, "--json"], address);
    expect(Number(JSON.parse(renewed).expiresAtMs)).toBeGreaterThanOrEqual(Number(lease.expiresAtMs));
    expect(await succeed(["lease", "release", lease.leaseId], address)).toEqual([`released ${lease.leaseId}`]);
    const gone = await runCli(["lease", "renew", lease.leaseId, "--endpoints", address]);
    expect(gone).toMatchObject({ code: 1, stdout: "" });
    expect(lines(gone.stderr)).toHaveLength(1);
  });

  it("is refused outside the server's bounds, naming them", async () => {
    const address = await memoryServer("--lease-ttl-floor", "7s");
    const { code, stderr } = await runCli(["lease", "acquire", "worker", "--ttl", "6s", "--endpoints", address]);
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([expect.stringContaining("7000")]);
  });
});

describe("status", { timeout: 60_000 }, () => {
  it("tells of each server, and ends with 0 while one of them serves", async () => {
    const address = await memoryServer();
    await succeed(["get"], address);
    const { code, stdout } = await runCli([
      "status",
      "--endpoints",
      `${address},127.0.0.1:1`,
      "--json",
      "--timeout",
      "2s",
    ]);
    expect(code).toBe(0);
    const [up, down] = JSON.parse(stdout);
    expect(up).toMatchObject({
      endpoint: address,
      serving: true,
      health: "SERVING",
      epoch: expect.stringMatching(/^\d+$/),
    });
    expect(up.maxSafePhysicalMs).toBeGreaterThan(0);
    expect(down).toMatchObject({ endpoint: "127.0.0.1:1", serving: false, error: expect.any(String) });
    const text = await succeed(["status"], address);
    expect(text.slice(0, 2)).toEqual([expect.stringContaining(address), expect.stringMatching(/^serving\s+yes$/)]);
  });

  it("ends with 1 when none serves", async () => {
    const { code, stderr } = await runCli(["status", "--endpoints", "127.0.0.1:1", "--timeout", "500ms"]);
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([expect.stringContaining("127.0.0.1:1")]);
  });
});

describe("bench", { timeout: 60_000 }, () => {
  it("loads a server and judges what it got", async () => {
    const address = await memoryServer();
    const flags = ["bench", "--callers", "20", "--seconds", "1", "--json", "--endpoints", address];
    const { code, stdout, stderr } = await runCli(flags);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: true, callers: 20, duplicates: 0, regressions: 0, realTimeViolations: 0 });
    expect(report.issued).toBeGreaterThan(0);
    expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms);
  });

  it("fails when nobody answers", async () => {
    const { code, stderr } = await runCli(["bench", "--callers", "2", "--seconds", "1", "--endpoints", "127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(stderr).toContain("no timestamp was issued");
  });
});
