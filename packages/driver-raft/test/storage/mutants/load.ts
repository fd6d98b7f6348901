// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { StorageModule } from "../life.ts";
import type { StorageMutant } from "./list.ts";

const SOURCES = fileURLToPath(new URL("../../../src/storage", import.meta.url));

/** Runs `use` with a copy of the storage's sources that has the mutant's edits in it. */
export async function withMutant(
  { name, file, edits }: Pick<StorageMutant, "name" | "file" | "edits">,
  use: (module: StorageModule) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tsoracle-storage-mutant-"));
  try {
    cpSync(SOURCES, folder, { recursive: true });
    const path = join(folder, file);
    let text = readFileSync(path, "utf8");
    for (const [find, replace] of edits) {
      const parts = text.split(find);
      if (parts.length !== 2)
        throw new Error(`mutant "${name}": expected its place once in ${file}, found ${parts.length - 1}`);
      text = parts.join(replace);
    }
    writeFileSync(path, text);
    use((await import(/* @vite-ignore */ join(folder, "index.ts"))) as StorageModule);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
