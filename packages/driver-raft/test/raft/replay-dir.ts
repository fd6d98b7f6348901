// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Directive, parseDatadriven } from "./datadriven.ts";

/** The environment variable that names the folder of the scenario files of etcd-io/raft (`raft.md` 11.1). */
export const REPLAY_VARIABLE = "RAFT_TESTDATA_DIR";

export interface ReplayFile {
  readonly name: string;
  readonly directives: readonly Directive[];
}

/** The folder to replay from, or the one line that says why there is none. */
export function replayDir(value: string | undefined): { dir: string } | { absent: string } {
  if (value === undefined || value === "") {
    return { absent: `${REPLAY_VARIABLE} is not set: no scenario file of etcd-io/raft is replayed` };
  }
  if (!existsSync(value)) {
    return { absent: `${REPLAY_VARIABLE} names a folder that is not there: no scenario file is replayed (${value})` };
  }
  return { dir: value };
}

/**
 * The files of one group: `quorum`, `confchange` or `interaction`.
 *
 * @throws Error if the folder is there but the group has no file, or a file no directive: nothing would be replayed.
 */
export function replayFiles(dir: string, group: string): ReplayFile[] {
  const folder = join(dir, group);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".txt")) : [];
  if (names.length === 0) {
    throw new Error(`${REPLAY_VARIABLE} must hold files ${group}/*.txt, and there are none in ${folder}`);
  }
  return names.sort().map((name) => {
    const directives = parseDatadriven(readFileSync(join(folder, name), "utf8"), `${group}/${name}`);
    if (directives.length === 0) throw new Error(`${group}/${name} holds no directive`);
    return { name, directives };
  });
}
