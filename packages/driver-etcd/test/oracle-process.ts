// SPDX-License-Identifier: Apache-2.0
// What the tests run as a process of its own: a server of the smallest kind. It leads when it can, persists one window,
// and answers each line on stdin with a number from it. In mode "unchecked" it answers without asking its tenure.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Tenure } from "@tsoracle/consensus";
import { physicalMs } from "@tsoracle/core";
import { openNode } from "./node.ts";

const [url = "", oracle = "", mode = "", freshness = ""] = process.argv.slice(2);
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

const WINDOW = 1_000_000;
const driver = await openNode([url], oracle, { freshness: freshness === "confirm" ? "confirm" : "lease" });

let next = 0;
let ceiling = 0;
let tenure: Tenure | undefined;

/** One request, which has arrived before this is called. */
async function answer(): Promise<string> {
  if (next >= ceiling) return "refused";
  const granted = next;
  next += 1;
  if (mode === "unchecked") return `granted ${granted}`;
  const newest = tenure?.confirm === undefined ? true : await tenure.confirm().catch(() => false);
  return newest && tenure?.valid() === true ? `granted ${granted}` : "refused";
}

createInterface({ input: process.stdin }).on("line", () => void answer().then(say));

for await (const item of driver.leadershipEvents({ signal: new AbortController().signal })) {
  if (item.role !== "leader") continue;
  const loaded = await driver.loadHighWater();
  ceiling = await driver.persistHighWater(physicalMs(loaded + WINDOW), item.epoch);
  next = loaded + 1;
  tenure = item.tenure;
  say(`leader ${item.epoch}`);
}
