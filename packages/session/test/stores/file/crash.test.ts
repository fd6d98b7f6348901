// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openFileJournal } from "../../../src/file.ts";
import { temporaryDirectory } from "./session-paths.ts";

const program = fileURLToPath(new URL("./journal-process.ts", import.meta.url));
/** Where the loader is installed. */
const workspace = fileURLToPath(new URL("../../../../../", import.meta.url));

function start(directory: string, epoch: number): ChildProcessByStdio<null, Readable, null> {
  const args = ["--import", "tsx", "--conditions=tsoracle-source", program, directory, String(epoch)];
  return spawn(process.execPath, args, { cwd: workspace, stdio: ["ignore", "pipe", "inherit"] });
}

/** Lets a process write until it has acknowledged so many lines, then kills it; resolves to all that it said. */
async function runUntilKilled(directory: string, epoch: number, lines: number): Promise<readonly string[]> {
  const child = start(directory, epoch);
  const said: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => {
    said.push(line);
    if (said.length === lines) child.kill("SIGKILL");
  });
  await once(child, "close");
  return said;
}

function lastOf(said: readonly string[], kind: string): number {
  return Math.max(0, ...said.filter((line) => line.startsWith(`${kind} `)).map((line) => Number(line.split(" ")[1])));
}

describe("a process that is killed while it appends", () => {
  it("leaves everything that it acknowledged, and at most one entry more, to its successor", async () => {
    await using directory = await temporaryDirectory();
    let acknowledged = 0;
    for (const [round, lines] of [30, 2, 47, 9].entries()) {
      const said = await runUntilKilled(directory.path, round + 1, lines);
      expect(said.length, said.join("\n")).toBeGreaterThanOrEqual(lines);
      acknowledged = Math.max(acknowledged, lastOf(said, "entry"));
      await using journal = await openFileJournal({ directory: directory.path });
      const { fence, nextSeq, snapshot, entries } = await journal.load("s");
      expect(fence.epoch).toBe(BigInt(round + 1));
      expect(nextSeq - 1).toBeGreaterThanOrEqual(acknowledged);
      expect(nextSeq - 1).toBeLessThanOrEqual(acknowledged + 1);
      const covered = snapshot?.seq ?? 0;
      expect(covered).toBeGreaterThanOrEqual(lastOf(said, "snapshot"));
      expect(entries.map(({ seq }) => seq)).toEqual(
        Array.from({ length: nextSeq - 1 - covered }, (_, index) => covered + 1 + index),
      );
      for (const { seq, ts, entry } of entries) {
        expect(new TextDecoder().decode(entry)).toBe(`entry ${seq} ${"x".repeat(seq % 700)}`);
        expect(ts).toBe(BigInt(seq));
      }
      acknowledged = nextSeq - 1;
    }
  }, 120_000);

  it("keeps the directory while it is stopped, and frees it when it is gone", async () => {
    await using directory = await temporaryDirectory();
    const child = start(directory.path, 1);
    const closed = once(child, "close");
    try {
      await once(createInterface({ input: child.stdout }), "line");
      child.kill("SIGSTOP");
      await expect(openFileJournal({ directory: directory.path })).rejects.toMatchObject({
        code: "in_use",
        message: expect.stringContaining(`process ${child.pid}`),
      });
    } finally {
      child.kill("SIGKILL");
    }
    await closed;
    await using journal = await openFileJournal({ directory: directory.path });
    expect((await journal.load("s")).fence.epoch).toBe(1n);
  }, 60_000);
});
