// SPDX-License-Identifier: Apache-2.0
// A process that opens one session in a directory and says words until it is killed. It prints what was acknowledged, one
// line each, and nothing before it was.
import { writeSync } from "node:fs";
import { openFileJournal } from "../../../src/file.ts";
import { TestOracle, testNode } from "../game.ts";

const [, , directory = "", epochText = "1"] = process.argv;
// One write call a line, so that a kill leaves whole lines.
const tell = (line: string): number => writeSync(1, `${line}\n`);

const oracle = new TestOracle();
oracle.advanceTo(BigInt(epochText) - 1n);
const { manager } = testNode("node-a", await openFileJournal({ directory }), oracle);
const session = await manager.open("room");
tell(`state ${session.state.length} ${session.fence.epoch}`);
for (let number = session.state.length + 1; ; number += 1) {
  const { seq } = await session.append(`word ${number}`);
  tell(`word ${number} ${seq}`);
}
