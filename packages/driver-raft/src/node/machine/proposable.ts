// SPDX-License-Identifier: Apache-2.0
import { MAX_ENTRY_DATA_BYTES } from "../../storage/durable-storage.ts";
import type { Command } from "./command.ts";
import { decodeCommand, encodeCommand } from "./command-codec.ts";

/** The bytes of an entry, or why there must be none. */
export type Proposable =
  | { readonly ok: true; readonly data: Uint8Array }
  | { readonly ok: false; readonly problem: string };

/**
 * The entry of a command, if every node will be able to store and to apply it. An entry that is committed
 * and cannot be read stops every node of the cluster, at each start again, so whatever this version would
 * not read back is refused before it is in any log.
 */
export function proposable(command: Command): Proposable {
  try {
    const data = encodeCommand(command);
    if (data.length > MAX_ENTRY_DATA_BYTES) {
      const problem = `expected ${command.kind} of at most ${MAX_ENTRY_DATA_BYTES} bytes as one entry, got ${data.length}`;
      return { ok: false, problem };
    }
    decodeCommand(data);
    return { ok: true, data };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}
