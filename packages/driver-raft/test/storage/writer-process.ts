// SPDX-License-Identifier: Apache-2.0
// What the tests run as a process of its own: writes for ever, and says what is durable when it is, not before.
import { writeSync } from "node:fs";
import { openStorage, RealDirectory } from "../../src/storage/index.ts";

const directory = process.argv[2] ?? "";
const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

const storage = openStorage(new RealDirectory(directory), { segmentBytes: 8192 });
say(`boot ${storage.bootCount}`);
let { term, commit } = storage.initialState().hardState;
for (let round = 1; ; round += 1) {
  const index = storage.lastIndex() + 1;
  if (round % 7 === 0) {
    // The last entry is not committed yet, and a new term writes another one in its place.
    term += 1;
    const hardState = { term, vote: 1 + (term % 3), commit };
    storage.append({
      hardState,
      entries: [{ index: index - 1, term, type: "EntryNormal", data: dataOf(index - 1, term) }],
    });
  } else {
    commit = index - 1;
    const { vote } = storage.initialState().hardState;
    const hardState = { term, vote, commit };
    storage.append({ hardState, entries: [{ index, term, type: "EntryNormal", data: dataOf(index, term) }] });
  }
  if (round % 20 === 0) {
    const { confState } = storage.initialState();
    storage.createSnapshot({ index: commit, confState, data: Buffer.from(`${commit}`) });
    storage.compact(commit - 5);
  }
  const { vote } = storage.initialState().hardState;
  say(JSON.stringify({ term, vote, commit, last: storage.lastIndex(), snapshot: storage.snapshot().metadata.index }));
}

function dataOf(index: number, entryTerm: number): Uint8Array {
  return Buffer.from(`${index}@${entryTerm}`.padEnd(200, "."));
}
