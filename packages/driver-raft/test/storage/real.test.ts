// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatStorage, openStorage, RealDirectory } from "../../src/storage/index.ts";
import { confState, initialSnapshot } from "./model.ts";
import { codeOf } from "./rule-checks.ts";

const program = fileURLToPath(new URL("./writer-process.ts", import.meta.url));
const workspace = fileURLToPath(new URL("../../../../", import.meta.url));

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "tsoracle-raft-storage-"));
});
afterEach(() => {
  rmSync(path, { recursive: true, force: true });
});

/** Lets a process write until it has said so many lines, kills it, and returns all that it said. */
async function writeAndKill(lines: number, whileAlive: () => void): Promise<readonly string[]> {
  const args = ["--import", "tsx", "--conditions=tsoracle-source", program, path];
  const child = spawn(process.execPath, args, { cwd: workspace, stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length !== lines) continue;
    whileAlive();
    child.kill("SIGKILL");
  }
  await closed;
  return said;
}

describe("storage on a real file system", () => {
  it("holds after kill -9 everything that the process said was durable", async () => {
    formatStorage(new RealDirectory(path), { clusterId: "real", nodeId: 9, initialSnapshot, segmentBytes: 8192 });
    for (const lines of [3, 45, 130]) {
      const said = await writeAndKill(lines, () => {
        expect(() => openStorage(new RealDirectory(path))).toThrow(/\[locked\] process \d+ holds/);
      });
      const notes: string[] = [];
      const storage = openStorage(new RealDirectory(path), { segmentBytes: 8192, log: (line) => notes.push(line) });
      expect(`boot ${storage.bootCount - 1}`).toBe(said[0]);
      const durable = JSON.parse(said.at(-1) as string) as Record<
        "term" | "vote" | "commit" | "last" | "snapshot",
        number
      >;
      const { hardState } = storage.initialState();
      expect(hardState.term).toBeGreaterThanOrEqual(durable.term);
      if (hardState.term === durable.term) expect(hardState.vote).toBe(durable.vote);
      expect(hardState.commit).toBeGreaterThanOrEqual(durable.commit);
      expect(storage.lastIndex()).toBeGreaterThanOrEqual(durable.last);
      // At most one batch was under way: one entry, or one snapshot.
      expect(storage.lastIndex()).toBeLessThanOrEqual(durable.last + 1);
      expect(storage.snapshot().metadata.index).toBeGreaterThanOrEqual(durable.snapshot);
      expect(storage.snapshot().metadata.confState).toEqual(confState);
      const entries = storage.entries(storage.firstIndex(), storage.lastIndex() + 1, Number.POSITIVE_INFINITY);
      if ("code" in entries) throw new Error(entries.message);
      for (const { index, term, data } of entries) {
        expect(Buffer.from(data).toString()).toBe(`${index}@${term}`.padEnd(200, "."));
      }
      storage.close();
    }
    // Starting three processes takes its time on a machine that is busy with something else.
  }, 60_000);

  it("refuses a bit that was flipped in a segment file", () => {
    formatStorage(new RealDirectory(path), { clusterId: "real", nodeId: 9 });
    const storage = openStorage(new RealDirectory(path));
    storage.append({ hardState: { term: 1, vote: 1, commit: 0 } });
    storage.close();
    const segment = join(path, "wal-00000000000001");
    const bytes = readFileSync(segment);
    expect(bytes.length).toBe(4 * 1024 * 1024);
    bytes[1024 + 40] = (bytes[1024 + 40] as number) ^ 1;
    writeFileSync(segment, bytes);
    expect(() => openStorage(new RealDirectory(path))).toThrow(/\[damaged\] wal-00000000000001 at byte 1024/);
  });

  it("never starts an empty directory, and leaves it empty", () => {
    expect(codeOf(() => openStorage(new RealDirectory(path)))).toBe("not_formatted");
    expect(readdirSync(path)).toEqual([]);
  });

  it("says which directory cannot be used", () => {
    const missing = join(path, "missing");
    expect(() => openStorage(new RealDirectory(missing))).toThrow(
      /\[io\] could not open the raft storage .*missing.*ENOENT/,
    );
    expect(existsSync(missing)).toBe(false);
  });
});
