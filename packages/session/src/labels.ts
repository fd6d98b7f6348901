// SPDX-License-Identifier: Apache-2.0
import type { PersistenceBackend } from "./backend.ts";
import { encodeField } from "./encode-field.ts";
import type { JournalEntry } from "./journal-entry.ts";
import type { OwnershipError } from "./ownership-error.ts";
import type { LifecycleState, ResumePolicy } from "./state.ts";

// All formats of this file are frozen: `fencing-quorum-sessions.md` 4.6.

/** `snapshot_only:<store>:<n>`, `journal_only:<store>` or `snapshot_journal:<snapshots>:<journal>:<n>`. */
export function backendLabel(backend: PersistenceBackend): string {
  switch (backend.kind) {
    case "snapshot_only":
      return `snapshot_only:${encodeField(backend.store)}:${backend.checkpointEvery}`;
    case "journal_only":
      return `journal_only:${encodeField(backend.store)}`;
    case "snapshot_journal": {
      const stores = `${encodeField(backend.snapshotStore)}:${encodeField(backend.journalStore)}`;
      return `snapshot_journal:${stores}:${backend.checkpointEvery}`;
    }
    default:
      return backend satisfies never;
  }
}

/** The policy in lower case. */
export function resumePolicyLabel(policy: ResumePolicy): string {
  return policy;
}

/** The lifecycle in lower case. */
export function lifecycleLabel(lifecycle: LifecycleState): string {
  return lifecycle;
}

/** `counter_delta:<delta>`, `crash_marked:<reason>`, `restarted:<ms>` or `reconnected:<policy>:<route>:<ms>`. */
export function journalEntryLabel(entry: JournalEntry): string {
  switch (entry.kind) {
    case "counter_delta":
      return `counter_delta:${entry.delta}`;
    case "crash_marked":
      return `crash_marked:${encodeField(entry.reason)}`;
    case "restarted":
      return `restarted:${entry.nowMs}`;
    case "reconnected":
      return `reconnected:${resumePolicyLabel(entry.policy)}:${encodeField(entry.route)}:${entry.nowMs}`;
    default:
      return entry satisfies never;
  }
}

/**
 * `stale_owner:<current>:<requested>`, `split_brain:<current owner>:<requested owner>:<epoch>` or
 * `invalid_token:<owner>:<epoch>`. What stands before the first colon, which is the `kind`, labels metrics.
 */
export function ownershipErrorLabel(error: OwnershipError): string {
  switch (error.kind) {
    case "stale_owner":
      return `stale_owner:${error.currentEpoch}:${error.requestedEpoch}`;
    case "split_brain":
      return `split_brain:${encodeField(error.currentOwner)}:${encodeField(error.requestedOwner)}:${error.epoch}`;
    case "invalid_token":
      return `invalid_token:${encodeField(error.owner)}:${error.epoch}`;
    default:
      return error satisfies never;
  }
}
