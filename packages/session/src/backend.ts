// SPDX-License-Identifier: Apache-2.0
import { checkId, checkInteger } from "./checked.ts";
import { SessionError } from "./session-error.ts";

/**
 * Where a session is kept. Stores are named, not held: the model does no I/O.
 *
 * - `snapshot_only`: the state, once per `checkpointEvery` deltas; what came after the last one is lost in a crash
 * - `journal_only`: every entry; nothing is lost, and recovery reads the journal from its beginning
 * - `snapshot_journal`: every entry, and a snapshot once per `checkpointEvery` deltas that keeps recovery short;
 *   the two stores may differ
 *
 * Source: `fencing-quorum-sessions.md` 4.1.
 */
export type PersistenceBackend =
  | { readonly kind: "snapshot_only"; readonly store: string; readonly checkpointEvery: number }
  | { readonly kind: "journal_only"; readonly store: string }
  | {
      readonly kind: "snapshot_journal";
      readonly snapshotStore: string;
      readonly journalStore: string;
      readonly checkpointEvery: number;
    };

/** @throws SessionError `id_invalid`, `number_out_of_range`. */
export function snapshotOnly(store: string, checkpointEvery: number): PersistenceBackend {
  return checkBackend({ kind: "snapshot_only", store, checkpointEvery });
}

/** @throws SessionError `id_invalid`. */
export function journalOnly(store: string): PersistenceBackend {
  return checkBackend({ kind: "journal_only", store });
}

/** @throws SessionError `id_invalid`, `number_out_of_range`. */
export function snapshotJournal(
  snapshotStore: string,
  journalStore: string,
  checkpointEvery: number,
): PersistenceBackend {
  return checkBackend({ kind: "snapshot_journal", snapshotStore, journalStore, checkpointEvery });
}

/** One backend of each kind, as an example of it. Source: `fencing-quorum-sessions.md` 4.2. */
export function supportedBackends(): readonly PersistenceBackend[] {
  return Object.freeze([
    snapshotOnly("postgres", 16),
    journalOnly("postgres"),
    snapshotJournal("postgres", "redis", 16),
  ]);
}

/**
 * A backend made of checked parts, and of nothing else.
 *
 * @throws SessionError `id_invalid`, `number_out_of_range`, `variant_unknown`.
 */
export function checkBackend(backend: PersistenceBackend): PersistenceBackend {
  switch (backend.kind) {
    case "snapshot_only":
      return Object.freeze({
        kind: "snapshot_only",
        store: checkId("the store", backend.store),
        checkpointEvery: checkEvery(backend.checkpointEvery),
      });
    case "journal_only":
      return Object.freeze({ kind: "journal_only", store: checkId("the store", backend.store) });
    case "snapshot_journal":
      return Object.freeze({
        kind: "snapshot_journal",
        snapshotStore: checkId("the snapshot store", backend.snapshotStore),
        journalStore: checkId("the journal store", backend.journalStore),
        checkpointEvery: checkEvery(backend.checkpointEvery),
      });
    default:
      backend satisfies never;
      throw new SessionError("variant_unknown", `expected a backend, got ${JSON.stringify(backend)}`);
  }
}

function checkEvery(checkpointEvery: number): number {
  return checkInteger("checkpointEvery", checkpointEvery, 1, Number.MAX_SAFE_INTEGER);
}
