// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

describe("example: game-room", () => {
  it("refuses the host that wakes up, loses no acknowledged move, and ends by itself", {
    timeout: 150_000,
  }, async () => {
    const main = ["--import", "tsx", "src/main.ts"];
    const { stdout } = await promisify(execFile)(process.execPath, main, { cwd: folder, timeout: 140_000 });
    expect(stdout.split("\n")).toEqual([
      "anna hosted the room, players moved, and she was killed with -9",
      "ben took the room over with every move that players had seen, and the game went on",
      "ben was stopped in the middle of it; anna came back and took the room over",
      "ben woke up, believed that he still had it, and his move was refused",
      "the game holds every acknowledged move at its place, and the points of all of them",
      "",
    ]);
  });
});
