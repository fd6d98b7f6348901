// SPDX-License-Identifier: Apache-2.0

/**
 * Every way in which the storage of a node refuses. The list is closed and under semver.
 *
 * | code | meaning | what may be done |
 * | --- | --- | --- |
 * | `invalid_option` | an argument is not what it must be; nothing was written | correct the call |
 * | `not_formatted` | the directory holds no identity, or its formatting was not finished; never started (I1) | format it, if it never took part in a cluster; otherwise replace the node |
 * | `already_formatted` | the directory holds something already; nothing was written | use an empty directory |
 * | `locked` | another process uses the directory, or may | stop it |
 * | `damaged` | something that was answered for is not readable; nothing was changed (C4, C7) | remove this member from the cluster and add a new one |
 * | `identity_mismatch` | files of another node, storage or cluster; nothing was changed | use the right directory |
 * | `invalid_batch` | the caller asks for a log that must not be; nothing was written | a defect of the caller: end the process |
 * | `io` | the system refused a write or a sync; this storage takes no more calls (P9) | end the process |
 * | `poisoned` | a call after `io` | end the process |
 * | `closed` | a call after `close` | open another |
 */
export type StorageErrorCode =
  | "invalid_option"
  | "not_formatted"
  | "already_formatted"
  | "locked"
  | "damaged"
  | "identity_mismatch"
  | "invalid_batch"
  | "io"
  | "poisoned"
  | "closed";

export interface StorageErrorOptions {
  readonly cause?: unknown;
  /** The file that is meant. */
  readonly file?: string | undefined;
  /** The byte in it. */
  readonly offset?: number | undefined;
}

/** A refusal of the storage. Every one ends the process, or keeps it from starting. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly code: StorageErrorCode;
  readonly file: string | undefined;
  readonly offset: number | undefined;

  constructor(code: StorageErrorCode, message: string, options: StorageErrorOptions = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.file = options.file;
    this.offset = options.offset;
  }
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
