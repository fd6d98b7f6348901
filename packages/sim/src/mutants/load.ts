// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Subject } from "../subject.ts";
import type { Mutant } from "./mutant.ts";

const DRIVER = fileURLToPath(new URL("../../../driver-raft", import.meta.url));

/** Runs `use` with a copy of the driver's sources that has the mutant's edits in it. */
export async function withMutant<T>({ name, edits }: Mutant, use: (subject: Subject) => T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "tsoracle-raft-mutant-"));
  try {
    cpSync(join(DRIVER, "src"), join(folder, "src"), { recursive: true });
    symlinkSync(join(DRIVER, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    for (const { file, find, replace } of edits) {
      const path = join(folder, "src", file);
      const parts = readFileSync(path, "utf8").split(find);
      if (parts.length !== 2) {
        throw new Error(`mutant "${name}": expected its place once in ${file}, found it ${parts.length - 1} times`);
      }
      writeFileSync(path, parts.join(replace));
    }
    const module = pathToFileURL(join(folder, "src", "simulation.ts")).href;
    return use((await import(/* @vite-ignore */ module)) as Subject);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
