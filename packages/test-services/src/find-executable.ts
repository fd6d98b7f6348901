// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Whether a path is a file that this process may execute. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The first of the names, in the order of the names, found in a directory of PATH or of `further`. */
export function findExecutable(
  names: readonly string[],
  path: string | undefined,
  further: readonly string[] = [],
): string | undefined {
  const directories = [...(path ?? "").split(delimiter).filter((directory) => directory !== ""), ...further];
  for (const name of names) {
    for (const directory of directories) {
      const file = join(directory, name);
      if (isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** Where Debian keeps the servers of Postgres, newest first; they are not on PATH there. */
export function distributionPostgresDirectories(parent = "/usr/lib/postgresql"): string[] {
  try {
    return readdirSync(parent)
      .filter((name) => /^\d+$/.test(name))
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(parent, version, "bin"));
  } catch {
    return [];
  }
}
