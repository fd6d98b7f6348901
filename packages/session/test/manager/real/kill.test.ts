// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openFileJournal } from "../../../src/file.ts";
import { temporaryDirectory } from "../../stores/file/session-paths.ts";
import { TestOracle, testNode } from "../game.ts";

const program = fileURLToPath(new URL("./session-process.ts", import.meta.url));
/** Where the loader is installed. */
const workspace = fileURLToPath(new URL("../../../../../", import.meta.url));

/** Lets a process say words until so many lines were heard, then kills it; resolves to all that it told. */
async function runUntilKilled(directory: string, epoch: number, lines: number): Promise<readonly string[]> {
  const args = ["--import", "tsx", "--conditions=tsoracle-source", program, directory, String(epoch)];
  const child = spawn(process.execPath, args, { cwd: workspace, stdio: ["ignore", "pipe", "inherit"] });
  const told: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    told.push(line);
    if (told.length === lines) child.kill("SIGKILL");
  });
  await once(child, "close");
  return told;
}

describe("a process that is killed while it owns a session", () => {
  it("G5: leaves what it acknowledged, and at most one entry more, to the next one", async () => {
    await using directory = await temporaryDirectory();
    let acknowledged = 0;
    // Snapshots are taken after every third entry, so these kills fall before, after and between two of them.
    for (const [round, lines] of [5, 9, 7].entries()) {
      const told = await runUntilKilled(directory.path, round + 1, lines);
      expect(told.length, told.join("\n")).toBeGreaterThanOrEqual(lines);
      const [found, epoch] = (told[0] ?? "").split(" ").slice(1).map(Number);
      expect(epoch).toBe(round + 1);
      expect(found).toBeGreaterThanOrEqual(acknowledged);
      expect(found).toBeLessThanOrEqual(acknowledged + 1);
      acknowledged = Number(told.at(-1)?.split(" ")[1]);
      await using journal = await openFileJournal({ directory: directory.path });
      const { state, owner } = await testNode("reader", journal, new TestOracle()).manager.inspect("room");
      expect(state.length - acknowledged).toBeLessThanOrEqual(1);
      expect(state).toEqual(Array.from({ length: state.length }, (_, index) => `word ${index + 1}`));
      expect(state.length).toBeGreaterThanOrEqual(acknowledged);
      expect(owner).toEqual({ owner: "node-a", epoch: BigInt(round + 1) });
      acknowledged = state.length;
    }
  }, 180_000);
});
