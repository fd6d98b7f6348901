// SPDX-License-Identifier: Apache-2.0
import { hold } from "../violation.ts";

/** Entries that may be applied at once before a snapshot is taken of them. */
const ONE_BATCH = 64;
/** On disk an entry takes at most a batch of its own, and about as many batches bring term, vote and snapshot marks. */
const BYTES_PER_ENTRY = 3 * 512;
const SPARE_SEGMENTS = 4;
const INBOX = 2_000;

/** Invariant 16: log, disk and queues stay bounded. */
export function staysBounded(
  nodeId: number,
  log: { readonly kept: number; readonly snapshotEntries: number; readonly trailingEntries: number },
  disk: { readonly logBytes: number; readonly segmentBytes: number },
): void {
  const limit = log.snapshotEntries + log.trailingEntries + ONE_BATCH;
  hold(log.kept <= limit, "16", () => `node ${nodeId} keeps ${log.kept} applied entries, expected at most ${limit}`);
  const bytes = SPARE_SEGMENTS * disk.segmentBytes + limit * BYTES_PER_ENTRY;
  hold(
    disk.logBytes <= bytes,
    "16",
    () => `the log of node ${nodeId} takes ${disk.logBytes} bytes, expected at most ${bytes}`,
  );
}

export function queueStaysBounded(nodeId: number, size: number): void {
  hold(size <= INBOX, "16", () => `${size} messages wait for node ${nodeId}`);
}
