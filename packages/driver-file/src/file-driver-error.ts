// SPDX-License-Identifier: Apache-2.0

/**
 * Every way in which a state directory can be refused. The list is closed and under semver. In each
 * case the records are what they were.
 *
 * | code | meaning | what the operator may do |
 * | --- | --- | --- |
 * | `invalid_option` | an option is not what it must be | correct the call |
 * | `already_locked` | another process, or another driver of this one, has the directory open | stop it, or use another directory |
 * | `lock_unavailable` | this platform or file system has no lock that ends with its holder | use a local file system on a supported platform |
 * | `already_initialised` | there is a history already | leave it, or use an empty directory |
 * | `io` | the directory or a file cannot be read or written | correct permissions, free space, check the disk |
 * | `too_short`, `bad_magic`, `unsupported_version`, `trailing_bytes`, `checksum_mismatch`, `malformed`, `non_utf8_key` | a record file is not what was written | restore it, or start above everything that was issued |
 * | `physical_ms_out_of_range` | a high-water above 46 bits | the same |
 */
export type FileDriverErrorCode =
  | "invalid_option"
  | "already_locked"
  | "lock_unavailable"
  | "already_initialised"
  | "io"
  | "too_short"
  | "bad_magic"
  | "unsupported_version"
  | "trailing_bytes"
  | "checksum_mismatch"
  | "malformed"
  | "non_utf8_key"
  | "physical_ms_out_of_range";

export interface FileDriverErrorOptions {
  readonly cause?: unknown;
  /** The file or directory that is refused. */
  readonly path?: string | undefined;
  /** With `already_locked`: the process that the lock file names, if it is alive. */
  readonly holderPid?: number | undefined;
}

const brand = "@tsoracle/driver-file.FileDriverError";

/** A state directory that was not opened or not initialised. `instanceof` works across copies of this package. */
export class FileDriverError extends Error {
  override readonly name = "FileDriverError";
  readonly code: FileDriverErrorCode;
  readonly path: string | undefined;
  readonly holderPid: number | undefined;
  protected readonly "@tsoracle/driver-file.FileDriverError" = true;

  constructor(code: FileDriverErrorCode, message: string, options: FileDriverErrorOptions = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.holderPid = options.holderPid;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}

/** The refusal of a path that the file system would not read or write. */
export function ioRefused(doing: string, path: string, cause: unknown): FileDriverError {
  return new FileDriverError(
    "io",
    `could not ${doing} ${path}: ${reasonOf(cause)}. Check that the state directory is on a local disk, writable by this user and not full, then start again`,
    { path, cause },
  );
}

/** What an error says, in words for a message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's name of an error (`ENOSPC`), if it has one. */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
