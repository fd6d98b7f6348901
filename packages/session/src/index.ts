// SPDX-License-Identifier: Apache-2.0
// For everybody who has sessions.

export {
  journalOnly,
  type PersistenceBackend,
  snapshotJournal,
  snapshotOnly,
  supportedBackends,
} from "./backend.ts";
export type { ContinuityReport } from "./continuity-report.ts";
export { backend, type DurableSession, fence, journal, type Snapshot, snapshot } from "./durable-session.ts";
export type { JournalEntry } from "./journal-entry.ts";
export type { OwnershipError } from "./ownership-error.ts";
export { SessionError, type SessionErrorCode } from "./session-error.ts";
export {
  LIFECYCLE_STATES,
  type LifecycleState,
  RESUME_POLICIES,
  type ResumePolicy,
  type SessionState,
} from "./state.ts";

// For those who build stores and managers.

export { checkBackend } from "./backend.ts";
export { MAX_ID_BYTES, MAX_TEXT_BYTES } from "./checked.ts";
export { checkEntry } from "./journal-entry.ts";
