// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import { reasonOf, systemCodeOf } from "./system-error.ts";

/** Refusals that concern only the bytes offered: what is there is as it was. */
const REFUSALS: readonly string[] = [
  "ENOSPC",
  "EDQUOT",
  "EFBIG",
  "EACCES",
  "EPERM",
  "EROFS",
  "EMFILE",
  "ENFILE",
  "ENOMEM",
];

/** Whether the system refused an operation and did no harm. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.includes(systemCodeOf(error) ?? "");
}

/** Nothing was written, and the same call may succeed when the cause is gone. */
export function refusedByDisk(doing: string, cause: unknown): JournalError {
  return new JournalError(
    "transient",
    `${doing} failed: ${reasonOf(cause)}. Nothing was written; free space or correct the permissions, then try again`,
    { cause },
  );
}

/** The write may or may not be there, and what the medium holds is not known to this process any more. */
export function doubtful(doing: string, cause: unknown): JournalError {
  return new JournalError(
    "uncertain",
    `${doing} failed: ${reasonOf(cause)}. Whether it is on the medium is unknown until the store is opened again`,
    { cause },
  );
}

/**
 * Why nothing is written or served any more: after a failed fsync the kernel may have dropped the pages and marked them
 * clean, so that the next one reports success for data that is not there.
 */
export function distrusted(directory: string, cause: unknown): JournalError {
  return new JournalError(
    "permanent",
    `an earlier write to ${directory} ended in doubt (${reasonOf(cause)}), so this process neither writes nor serves what is there. Check the disk, then open the store again`,
    { cause },
  );
}
