// SPDX-License-Identifier: Apache-2.0
// Sessions of one process, kept in a directory.
export type { DirectoryLock } from "./stores/file/directory-lock.ts";
export { type JournalFile, type JournalFileSystem, nodeJournalFileSystem } from "./stores/file/file-system.ts";
export { type FileJournalOptions, openFileJournal } from "./stores/file/open.ts";
