// SPDX-License-Identifier: Apache-2.0

/**
 * An open file as the log sees it. Every call is synchronous, so that writes are strictly in the order in which they
 * were asked for (`raft.md` P3, N3, N5). A method that fails throws the error of the system; nothing is retried.
 */
export interface BlockDevice {
  readonly name: string;
  size(): number;
  /** Up to `length` bytes from `offset`; fewer where the file ends. */
  read(offset: number, length: number): Uint8Array;
  /** Writes all of `bytes`, or throws after writing a part of them or nothing. */
  pwrite(bytes: Uint8Array, offset: number): void;
  /** Content and size are durable when it returns; the name is durable only after `Directory.sync`. */
  fdatasync(): void;
  /** Makes the file `size` bytes long, all written as zeros, so that later writes need no more space. */
  preallocate(size: number): void;
  close(): void;
}

/** A directory without subdirectories. Changes of names are durable only after `sync` (`raft.md` P10). */
export interface Directory {
  /** For messages to the operator. */
  readonly path: string;
  list(): readonly string[];
  /** A file that exists, for reading and writing. */
  open(name: string): BlockDevice;
  /** A file that does not exist yet (O_EXCL). */
  create(name: string): BlockDevice;
  /** Takes the place of `to`, if that exists, in one step. */
  rename(from: string, to: string): void;
  /** A second name for a file; throws EEXIST when `to` exists, so that one of several callers wins. */
  link(from: string, to: string): void;
  remove(name: string): void;
  /** Names are durable when it returns. */
  sync(): void;
}

/** The unit that disks write as a whole. What is acknowledged never shares one with what is written later. */
export const SECTOR_BYTES = 512;

/** The whole content of a file. */
export function readWhole(directory: Directory, name: string): Uint8Array {
  const file = directory.open(name);
  try {
    return file.read(0, file.size());
  } finally {
    file.close();
  }
}

/**
 * Puts a file in place so that a crash leaves the old one or the new one, durable when it returns: temporary file, sync,
 * rename, sync of the directory (`raft.md` P10).
 */
export function replaceWhole(directory: Directory, name: string, bytes: Uint8Array): void {
  const temporary = `${name}${TEMPORARY_SUFFIX}`;
  if (directory.list().includes(temporary)) directory.remove(temporary);
  const file = directory.create(temporary);
  try {
    file.pwrite(bytes, 0);
    file.fdatasync();
  } finally {
    file.close();
  }
  directory.rename(temporary, name);
  directory.sync();
}

/** Files that end in this were never finished; opening removes them. */
export const TEMPORARY_SUFFIX = ".tmp";
