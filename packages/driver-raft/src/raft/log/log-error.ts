// SPDX-License-Identifier: Apache-2.0

export type LogErrorCode = "compacted" | "unavailable" | "snap_out_of_date" | "snapshot_temporarily_unavailable";

/** Why a part of the log cannot be had. Expected in the course of things, so it is a value and never thrown. */
export interface LogError {
  readonly code: LogErrorCode;
  readonly message: string;
}

/** The entries are gone: a snapshot took their place. */
export const ErrCompacted: LogError = Object.freeze({
  code: "compacted",
  message: "requested index is unavailable due to compaction",
});

/** The entries are not there yet. */
export const ErrUnavailable: LogError = Object.freeze({
  code: "unavailable",
  message: "requested entry at index is unavailable",
});

/** There is a snapshot at or above this index already. */
export const ErrSnapOutOfDate: LogError = Object.freeze({
  code: "snap_out_of_date",
  message: "requested index is older than the existing snapshot",
});

/** A snapshot is being made; ask again later. */
export const ErrSnapshotTemporarilyUnavailable: LogError = Object.freeze({
  code: "snapshot_temporarily_unavailable",
  message: "snapshot is temporarily unavailable",
});
