// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { lines, runCli, startServer, temporaryDirectory } from "./cli-process.ts";

const ANY_PORT = ["--listen", "127.0.0.1:0"] as const;

async function take(address: string, count: number): Promise<bigint[]> {
  const { code, stdout, stderr } = await runCli(["get", "-n", String(count), "--endpoints", address]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return lines(stdout).map(BigInt);
}

describe("serve", { timeout: 60_000 }, () => {
  it.each(["SIGTERM", "SIGINT"] as const)("prints one line, serves, and ends with 0 on %s", async (signal) => {
    const stateDir = join(temporaryDirectory(), "state");
    const { process, address } = await startServer(["file", ...ANY_PORT, "--state-dir", stateDir]);
    expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    expect(await take(address, 3)).toHaveLength(3);
    const end = await process.kill(signal);
    expect(end).toMatchObject({ code: 0, signal: null, stdout: `serving on ${address}\n` });
    for (const line of lines(end.stderr)) expect(JSON.parse(line), "logs are JSON lines").toHaveProperty("msg");
  });

  it("serves a file directory when nothing is said", async () => {
    const cwd = temporaryDirectory();
    const { process } = await startServer([], { cwd, env: { TSORACLE_LISTEN: "127.0.0.1:0" } });
    expect(readdirSync(cwd)).toEqual(["tsoracle-data"]);
    expect(await process.kill("SIGTERM")).toMatchObject({ code: 0 });
  });

  it("serves from memory and leaves nothing behind", async () => {
    const cwd = temporaryDirectory();
    const { process, address } = await startServer(["memory", ...ANY_PORT], { cwd });
    expect(await take(address, 1)).toHaveLength(1);
    expect(await process.kill("SIGTERM")).toMatchObject({ code: 0 });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("ends when it is asked to while its store does not answer", async () => {
    const module = new URL("../dist/serve/serve.js", import.meta.url).href;
    const flags = { listen: { host: "127.0.0.1", port: 0 }, windowAhead: 3_000, log: "error", metrics: false };
    const script = `import { serve } from ${JSON.stringify(module)};
      const open = () => new Promise(() => setInterval(() => console.log("opening"), 50));
      await serve(${JSON.stringify(flags)}, { open });`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("ends with its parent when it was asked to", async () => {
    const { process } = await startServer(["memory", ...ANY_PORT, "--exit-with-stdin"]);
    process.child.stdin?.end();
    expect(await process.ended).toMatchObject({ code: 0, signal: null });
  });

  it("goes on above the last timestamp after kill -9, three times over", async () => {
    const stateDir = join(temporaryDirectory(), "state");
    let largest = 0n;
    for (let life = 0; life < 3; life++) {
      const { process, address } = await startServer(["file", ...ANY_PORT, "--state-dir", stateDir]);
      for (const value of await take(address, 1_000)) {
        expect(value).toBeGreaterThan(largest);
        largest = value;
      }
      expect(await process.kill("SIGKILL")).toMatchObject({ code: null, signal: "SIGKILL" });
    }
  });

  it("starts above the seed that init wrote, also when that lies ahead of the clock", async () => {
    const stateDir = join(temporaryDirectory(), "state");
    const seed = 40_000_000_000_000;
    const init = await runCli(["init", "--seed-physical-ms", String(seed), "--state-dir", stateDir]);
    expect(init).toMatchObject({
      code: 0,
      stdout: `Initialized ${stateDir} at seed physical_ms=${seed}\n`,
      stderr: "",
    });
    const { address } = await startServer(["file", ...ANY_PORT, "--state-dir", stateDir]);
    const [first = 0n] = await take(address, 1);
    expect(first).toBe(BigInt(seed + 1) * 262_144n);
  });

  it("has metrics over HTTP where it was asked for, and nowhere else", async () => {
    const flags = ["memory", ...ANY_PORT, "--metrics-listen", "127.0.0.1:0"];
    const { process, address } = await startServer(flags);
    await take(address, 2);
    const [, metrics = ""] = await process.untilStderr(/"address":"(\S+?)","msg":"metrics/);
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    expect(text).toMatch(/^tsoracle_get_ts_success_total 1$/m);
    await process.kill("SIGTERM");
    await expect(fetch(`http://${metrics}/metrics`)).rejects.toThrow();
    const without = await startServer([...flags, "--no-metrics"]);
    await take(without.address, 1);
    expect((await without.process.kill("SIGTERM")).stderr).not.toContain("metrics");
  });
});

describe("serve gives up", { timeout: 60_000 }, () => {
  it("with 1 and one last line when its store fails under it, and does not serve on", async () => {
    const stateDir = join(temporaryDirectory(), "state");
    const windows = ["--window-ahead", "100ms", "--failover-advance", "100ms"];
    const flags = ["file", ...ANY_PORT, "--state-dir", stateDir, "--log", "silent", ...windows];
    const { process, address } = await startServer(flags);
    await take(address, 1);
    rmSync(stateDir, { recursive: true });
    let isRunning = true;
    const ended = process.ended.finally(() => {
      isRunning = false;
    });
    while (isRunning) await runCli(["get", "--endpoints", address, "--timeout", "300ms"]);
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: `serving on ${address}\n` });
    expect(lines(stderr)).toEqual([expect.stringMatching(/^error: stopped serving: .*state/)]);
  });
});

describe("serve refuses to start", () => {
  it("on a directory that another server has, naming both, and leaves that one alone", async () => {
    const stateDir = join(temporaryDirectory(), "state");
    const first = await startServer(["file", ...ANY_PORT, "--state-dir", stateDir]);
    const { code, stdout, stderr } = await runCli(["serve", "file", ...ANY_PORT, "--state-dir", stateDir]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(lines(stderr)).toHaveLength(1);
    expect(stderr).toContain(stateDir);
    expect(stderr).toContain(String(first.process.pid));
    expect(await take(first.address, 1)).toHaveLength(1);
  });

  const damaged: readonly (readonly [string, string, Buffer])[] = [
    ["a truncated state file", "state", Buffer.from("54534f5201", "hex")],
    ["a state file with a wrong checksum", "state", Buffer.from("54534f520139300000000000004b0a00a0", "hex")],
    ["a state file with a wrong magic", "state", Buffer.from("58534f520139300000000000004b0a009f", "hex")],
    ["a state file with trailing bytes", "state", Buffer.from("54534f520139300000000000004b0a009f00", "hex")],
    ["garbage in place of the sequences", "dense", Buffer.from("garbage")],
    ["garbage in place of the leases", "leases", Buffer.from("garbage")],
  ];
  it.each(damaged)("on %s, and leaves the file as it is", async (_what, file, content) => {
    const stateDir = temporaryDirectory();
    writeFileSync(join(stateDir, file), content);
    const { code, stdout, stderr } = await runCli(["serve", "file", ...ANY_PORT, "--state-dir", stateDir]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(lines(stderr)).toHaveLength(1);
    expect(stderr).toContain(join(stateDir, file));
    expect(readFileSync(join(stateDir, file))).toEqual(content);
  });

  it("where the directory cannot be made", async () => {
    const parent = temporaryDirectory();
    writeFileSync(join(parent, "file"), "");
    const { code, stderr } = await runCli(["serve", "file", ...ANY_PORT, "--state-dir", join(parent, "file", "state")]);
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([expect.stringContaining(join(parent, "file"))]);
  });

  // The superuser may write anywhere, so there the same refusal is provoked by a file in the directory's place.
  it("where the directory may not be written", async () => {
    const parent = temporaryDirectory();
    const stateDir = join(parent, "state");
    if (process.getuid?.() === 0) writeFileSync(stateDir, "");
    else {
      mkdirSync(stateDir);
      chmodSync(stateDir, 0o500);
      onTestFinished(() => chmodSync(stateDir, 0o700));
    }
    const { code, stderr } = await runCli(["serve", "file", ...ANY_PORT, "--state-dir", stateDir]);
    expect(code).toBe(1);
    expect(lines(stderr)).toEqual([expect.stringContaining(stateDir)]);
  });

  it("on a port that is taken, and frees the directory again", async () => {
    const { address } = await startServer(["memory", ...ANY_PORT]);
    const stateDir = join(temporaryDirectory(), "state");
    const flags = ["serve", "file", "--listen", address, "--state-dir", stateDir];
    const { code, stdout, stderr } = await runCli(flags);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(lines(stderr)).toEqual([expect.stringContaining(address)]);
    await startServer(["file", ...ANY_PORT, "--state-dir", stateDir]);
  });

  it("init refuses a directory with a history and does not change it", async () => {
    const stateDir = join(temporaryDirectory(), "state");
    await runCli(["init", "--seed-physical-ms", "5", "--state-dir", stateDir]);
    const before = readFileSync(join(stateDir, "state"));
    const { code, stdout, stderr } = await runCli(["init", "--seed-physical-ms", "9", "--state-dir", stateDir]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(lines(stderr)).toEqual([expect.stringContaining(stateDir)]);
    expect(readFileSync(join(stateDir, "state"))).toEqual(before);
    expect(existsSync(join(stateDir, "state.tmp"))).toBe(false);
  });
});
