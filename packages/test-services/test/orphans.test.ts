// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sweepDeadDirectories } from "../src/owned-directory.ts";
import { segmentOf } from "../src/postgres/shared-memory.ts";
import { type Lifeline, onLifeline } from "../src/process/lifeline.ts";
import { isAlive } from "../src/process/process-table.ts";
import { waitUntil } from "../src/wait-until.ts";

// Real servers sync real disks, which a busy machine makes slow. No assertion depends on how long it takes.
vi.setConfig({ testTimeout: 60_000 });

interface Report {
  readonly pids: readonly number[];
  readonly directories: readonly string[];
}

const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

async function program(
  lifeline: Lifeline,
  then: "run" | "pause" | "exit" | "die-pausing",
): Promise<[ChildProcess, Report]> {
  const file = fileURLToPath(new URL("programs/start-servers.mjs", import.meta.url));
  const child = spawn(process.execPath, [file, lifeline, then], { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await waitUntil("the servers of the program", () => text.endsWith("\n"), { timeoutMs: 50_000 });
  return [child, JSON.parse(text) as Report];
}

/** The ids of all segments of System V memory; none where the system does not list them. */
function sharedMemory(): string[] {
  if (!existsSync("/proc/sysvipc/shm")) return [];
  const rows = readFileSync("/proc/sysvipc/shm", "utf8").trim().split("\n").slice(1);
  return rows.map((line) => line.trim().split(/\s+/)[1] ?? "");
}

const goneOf = (pids: readonly number[]): Promise<boolean> =>
  waitUntil("all servers to be gone", () => pids.every((pid) => !isAlive(pid)), { timeoutMs: 20_000 });

/** The ways that this platform has. */
const lifelines: readonly Lifeline[] = process.platform === "linux" ? ["death-signal", "supervisor"] : ["supervisor"];

describe.each(lifelines)("servers on the life line %s", (lifeline) => {
  it("are gone after kill -9 of the process that started them, and so are their directories at the next start", async () => {
    const [child, { pids, directories }] = await program(lifeline, "run");
    // A process of Postgres that served one connection may have ended since.
    expect(pids.filter(isAlive).length).toBeGreaterThan(5);
    sweepDeadDirectories();
    for (const directory of directories) expect(existsSync(directory)).toBe(true);
    const segments = directories.flatMap((directory) => segmentOf(directory) ?? []);
    expect(segments).toHaveLength(sharedMemory().length === 0 ? 0 : 1);
    child.kill("SIGKILL");
    await once(child, "exit");
    await goneOf(pids);
    sweepDeadDirectories();
    for (const directory of directories) expect(existsSync(dirname(directory))).toBe(false);
    for (const id of segments) expect(sharedMemory()).not.toContain(id);
  });

  it("are gone even when they were paused", async () => {
    const [child, { pids }] = await program(lifeline, "pause");
    child.kill("SIGKILL");
    await once(child, "exit");
    await goneOf(pids);
  });

  it("are gone when it is killed while it pauses them", async () => {
    const [child, { pids }] = await program(lifeline, "die-pausing");
    if (child.signalCode === null) await once(child, "exit");
    expect(child.signalCode).toBe("SIGKILL");
    await goneOf(pids);
  });

  it("are gone with their directories when the process ends without stopping them", async () => {
    const [child, { pids, directories }] = await program(lifeline, "exit");
    if (child.exitCode === null) await once(child, "exit");
    await goneOf(pids);
    for (const directory of directories) expect(existsSync(dirname(directory))).toBe(false);
  });
});

/** Runs a command line as a child of this process, or of a shell that stands between; returns what it printed. */
function outputOf({ command, args }: ReturnType<typeof onLifeline>, between: readonly string[]): Promise<string> {
  const [program = command, ...rest] = [...between, command, ...args];
  return new Promise((resolve) => execFile(program, rest, (_, stdout) => resolve(stdout)));
}

describe.each(lifelines.filter((lifeline) => lifeline === "death-signal"))("the life line %s", (lifeline) => {
  it("starts no server whose parent is gone before the signal could be asked for", async () => {
    const line = onLifeline(lifeline, "echo", ["started"]);
    expect(await outputOf(line, [])).toBe("started\n");
    // The shell runs one more command, so that it stays the parent.
    expect(await outputOf(line, ["sh", "-c", '"$@"; true', "between"])).toBe("");
  });
});
