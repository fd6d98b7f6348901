// SPDX-License-Identifier: Apache-2.0
import { isPhysicalMs, PHYSICAL_MS_MAX } from "@tsoracle/core";
import { FileDriverError } from "./file-driver-error.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { StateDirectory } from "./state-directory.ts";
import { encodeState } from "./state-record.ts";

export interface InitOptions {
  /** Created if missing. */
  readonly stateDir: string;
  /** The oracle issues only above it: an integer from 0 to 2^46-1, in milliseconds since the Unix epoch. */
  readonly seedPhysicalMs: number;
  /** For tests that inject failures. @defaultValue the real one */
  readonly fileSystem?: FileSystem | undefined;
}

/**
 * Begins a history at `seedPhysicalMs`, for an oracle that takes over from another source of
 * timestamps. Durable when it resolves. It takes the lock as opening does, and removes nothing.
 *
 * @throws FileDriverError `physical_ms_out_of_range`, `already_initialised` when there is a `state`
 * file, and whatever opening throws for the directory itself.
 */
export async function initStateDirectory(options: InitOptions): Promise<void> {
  const { stateDir, seedPhysicalMs, fileSystem = nodeFileSystem } = options;
  if (!isPhysicalMs(seedPhysicalMs)) {
    throw new FileDriverError(
      "physical_ms_out_of_range",
      `expected the seed as an integer from 0 to ${PHYSICAL_MS_MAX} (46 bits), got ${String(seedPhysicalMs)}; nothing was written`,
    );
  }
  const directory = await StateDirectory.open(stateDir, fileSystem);
  try {
    if ((await directory.read("state")) !== undefined) throw alreadyInitialised(directory.pathOf("state"));
    await directory.writeOrRefuse("state", encodeState(seedPhysicalMs));
  } finally {
    await directory.close();
  }
}

function alreadyInitialised(path: string): FileDriverError {
  return new FileDriverError(
    "already_initialised",
    `${path} exists, so this directory has a history already; nothing was written. Serve from it as it is, or initialise an empty directory`,
    { path },
  );
}
