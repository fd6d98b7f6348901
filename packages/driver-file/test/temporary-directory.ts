// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory of its own, removed at the end of the `await using` block. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
  /** Content of a file as hex; undefined if it is missing. */
  hex(file: string): Promise<string | undefined>;
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "tsoracle-file-")));
  return {
    path,
    hex: (file) => readFile(join(path, file), "hex").catch(() => undefined),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
