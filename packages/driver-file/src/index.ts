// SPDX-License-Identifier: Apache-2.0
// For those who run an oracle on a directory.
export { fileCapabilities } from "./capabilities.ts";
export type { FileDriver } from "./driver.ts";
export { FileDriverError, type FileDriverErrorCode, type FileDriverErrorOptions } from "./file-driver-error.ts";
// For those who test what stands on it under failures.
export type { FileLock } from "./file-lock.ts";
export { type FileSystem, nodeFileSystem, type SyncableDirectory, type WritableFile } from "./file-system.ts";
export { type InitOptions, initStateDirectory } from "./init.ts";
export { type FileDriverOptions, openFileDriver } from "./open.ts";
