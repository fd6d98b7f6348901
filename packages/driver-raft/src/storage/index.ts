// SPDX-License-Identifier: Apache-2.0
export type { BlockDevice } from "./device.ts";
export type { HostProcess, LockSettings } from "./lock.ts";
export type {
  Directory,
  FormatOptions,
  Identity,
  OpenOptions,
  RaftStorage,
  RandomBytes,
  StorageBatch,
} from "./storage.ts";
export { StorageError, type StorageErrorCode, type StorageErrorOptions } from "./storage-error.ts";
