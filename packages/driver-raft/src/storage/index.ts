// SPDX-License-Identifier: Apache-2.0
export { formatStorage } from "./format.ts";
export { openStorage, readIdentity } from "./open-storage.ts";
export { RealDirectory } from "./real-directory.ts";
export type { FormatOptions, Identity, OpenOptions, RaftStorage, StorageBatch } from "./storage.ts";
export { StorageError, type StorageErrorCode, type StorageErrorOptions } from "./storage-error.ts";

// ---- For integrators: other devices, simulations, locks ----

export type { BlockDevice, Directory } from "./device.ts";
export { MAX_ENTRY_DATA_BYTES } from "./durable-storage.ts";
export { hostProcess } from "./host-process.ts";
export type { HostProcess, LockSettings } from "./lock.ts";
export type { RandomBytes } from "./random.ts";
export {
  type Chance,
  type DiskCounters,
  type DiskFault,
  type DiskOperation,
  SimulatedCrash,
  SimulatedDirectory,
  type SimulatedDirectoryOptions,
} from "./simulated-directory.ts";
export { MAX_SNAPSHOT_DATA_BYTES } from "./snapshot-file.ts";
