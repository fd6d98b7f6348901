// SPDX-License-Identifier: Apache-2.0
import { type LeaseRecord, PHYSICAL_MS_ZERO, type PhysicalMs } from "@tsoracle/core";
import { type DenseRecord, decodeDense, EMPTY_DENSE } from "./dense-record.ts";
import { decodeLeases } from "./lease-record.ts";
import type { RecordFile } from "./record.ts";
import type { StateDirectory } from "./state-directory.ts";
import { decodeState } from "./state-record.ts";

/** Everything a state directory remembers. */
export interface DirectoryRecords {
  readonly highWater: PhysicalMs;
  readonly dense: DenseRecord;
  readonly leases: readonly LeaseRecord[];
}

/**
 * Reads and checks all record files, then writes back those that exist. A missing file is an empty one.
 *
 * What is read may be in memory only: the last process may have died after a rename and before the
 * fsync of the directory, or somebody has just copied a backup here. Until it is on the medium again
 * nothing may be answered from it. That also shows at once whether the directory can be written.
 *
 * @throws FileDriverError with the code of the first check that fails; no file is touched before all have passed.
 */
export async function readRecords(directory: StateDirectory): Promise<DirectoryRecords> {
  const found = new Map<RecordFile, Uint8Array>();
  const read = async <T>(file: RecordFile, decode: (bytes: Uint8Array, path: string) => T, empty: T): Promise<T> => {
    const bytes = await directory.read(file);
    if (bytes === undefined) return empty;
    const record = decode(bytes, directory.pathOf(file));
    found.set(file, bytes);
    return record;
  };
  const records: DirectoryRecords = {
    highWater: await read("state", decodeState, PHYSICAL_MS_ZERO),
    dense: await read("dense", decodeDense, EMPTY_DENSE),
    leases: await read("leases", decodeLeases, []),
  };
  for (const [file, bytes] of found) await directory.writeOrRefuse(file, bytes);
  return records;
}
