// SPDX-License-Identifier: Apache-2.0
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCodeOf } from "./file-driver-error.ts";

/**
 * Creates a directory and its missing parents; resolves to the outermost one that it created, if any.
 *
 * Not `mkdir` with `recursive`: where a directory exists in which none can be made and the system says
 * ENOENT for it, as it does in `/proc`, that one tries for ever and keeps a thread of the pool busy.
 *
 * @param path absolute
 * @throws the system's error for the directory that could not be made
 */
export async function makeDirectory(path: string): Promise<string | undefined> {
  const missing: string[] = [];
  let existing = path;
  while (!(await exists(existing))) {
    missing.push(existing);
    const parent = dirname(existing);
    if (parent === existing) break;
    existing = parent;
  }
  let outermost: string | undefined;
  for (const directory of missing.reverse()) {
    if (await createOne(directory)) outermost ??= directory;
  }
  // What is there may be a file: the system says so in its own words.
  if (missing.length === 0) await createOne(path);
  return outermost;
}

/** False if somebody else has just made it. */
async function createOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const made = systemCodeOf(error) === "EEXIST" && (await stat(path)).isDirectory();
    if (made) return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return false;
    throw error;
  }
}
