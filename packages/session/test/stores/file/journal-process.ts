// SPDX-License-Identifier: Apache-2.0
// A process that owns one session of a directory and writes to it until it is killed. It prints what was acknowledged,
// one line each, and nothing before it was.
import { writeSync } from "node:fs";
import { openFileJournal } from "../../../src/file.ts";

const [, , directory = "", epochText = "1"] = process.argv;
const fence = { epoch: BigInt(epochText), owner: `process of epoch ${epochText}` };
// One write call a line, so that a kill leaves whole lines.
const say = (line: string): number => writeSync(1, `${line}\n`);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const journal = await openFileJournal({ directory });
await journal.createIfAbsent("s", fence);
await journal.takeover("s", fence);
const { nextSeq } = await journal.load("s");
say(`owner ${epochText} from ${nextSeq}`);
for (let seq = nextSeq; ; seq += 1) {
  await journal.append("s", fence, seq, encode(`entry ${seq} ${"x".repeat(seq % 700)}`), BigInt(seq));
  say(`entry ${seq}`);
  if (seq % 16 !== 0) continue;
  await journal.putSnapshot("s", fence, seq, encode(`state ${seq}`));
  say(`snapshot ${seq}`);
  await journal.truncateThrough("s", fence, seq - 4);
}
