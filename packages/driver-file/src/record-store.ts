// SPDX-License-Identifier: Apache-2.0
import type { RecordFile } from "./record.ts";

/** What the writer does next for one record file. */
export interface WriteBatch {
  readonly bytes: Uint8Array;
  /** The bytes are durable: publish them in memory, then answer the callers. */
  committed(): void;
  /** They are not, or nobody can tell: answer the callers; memory stays as it is. */
  failed(error: unknown): void;
}

/** The memory of one record file and the callers that wait for it. Only the writer calls `take`. */
export interface RecordStore {
  readonly file: RecordFile;
  /** Joins all waiting calls into one write; undefined when there is nothing to write. */
  take(): WriteBatch | undefined;
  rejectAll(error: unknown): void;
}
