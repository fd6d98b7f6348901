// SPDX-License-Identifier: Apache-2.0
// For everybody who has sessions.

export type { OwnershipFence, TakeoverRequest } from "@tsoracle/fencing";
export {
  journalOnly,
  type PersistenceBackend,
  snapshotJournal,
  snapshotOnly,
  supportedBackends,
} from "./backend.ts";
export { valid } from "./check-session.ts";
export { continuityReport } from "./continuity.ts";
export type { ContinuityReport } from "./continuity-report.ts";
export { backend, type DurableSession, fence, journal, type Snapshot, snapshot } from "./durable-session.ts";
export type { JournalEntry } from "./journal-entry.ts";
export {
  backendLabel,
  journalEntryLabel,
  lifecycleLabel,
  ownershipErrorLabel,
  resumePolicyLabel,
} from "./labels.ts";
export {
  bytesApplication,
  jsonApplication,
  type SessionApplication,
  type SessionReducer,
} from "./manager/application.ts";
export { type ClaimOptions, makeClaim } from "./manager/fresh-timestamp.ts";
export {
  DEFAULT_SESSION_MANAGER_LIMITS,
  type SessionManagerLimits,
  type SessionManagerOptions,
  type TimestampSource,
} from "./manager/options.ts";
export type {
  Appended,
  AppendOptions,
  EntryMark,
  HandOff,
  HandOffOptions,
  OpenOptions,
  OwnedSession,
  ReconnectOptions,
  RecoveredEntry,
  Recovery,
  SessionContinuity,
  TakeoverOptions,
} from "./manager/owned-session.ts";
export type { SessionEvent } from "./manager/session-event.ts";
export { type CloseManagerOptions, SessionManager, type SessionView } from "./manager/session-manager.ts";
export { SessionManagerError, type SessionManagerErrorCode } from "./manager/session-manager-error.ts";
export type { OwnershipError } from "./ownership-error.ts";
export { SessionError, type SessionErrorCode } from "./session-error.ts";
export { continuitySignature, fenceSignature, signature, snapshotSignature } from "./signatures.ts";
export { type StartOptions, start } from "./start.ts";
export {
  LIFECYCLE_STATES,
  type LifecycleState,
  RESUME_POLICIES,
  type ResumePolicy,
  type SessionState,
} from "./state.ts";
export { requestTakeover, type TakeoverResult } from "./takeover.ts";
export { expectedToken, hmacTokens, MIN_SECRET_BYTES, plainTokens, type TokenScheme } from "./token.ts";
export { appendCounterDelta, crash, reconnect, restart } from "./transitions.ts";

// For those who build stores and managers.

export { checkBackend } from "./backend.ts";
export { checkSession } from "./check-session.ts";
export { MAX_ID_BYTES, MAX_TEXT_BYTES } from "./checked.ts";
export { unsavedDeltas } from "./continuity.ts";
export { encodeField } from "./encode-field.ts";
export { checkEntry } from "./journal-entry.ts";
export { compact, type RecordedEntry, type RecoveryParts, recover } from "./recover.ts";
export { applyEntry, replay } from "./replay.ts";
