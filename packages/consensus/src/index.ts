// SPDX-License-Identifier: Apache-2.0
// For those who choose and configure a driver.

export type { DriverCapabilities } from "./capabilities.ts";
export {
  ConsensusError,
  type ConsensusErrorCode,
  type ConsensusErrorOptions,
  type MembershipRefusal,
} from "./consensus-error.ts";
export type {
  ConsensusDriver,
  DenseSequences,
  LeaseStore,
  Member,
  MembershipAdmin,
  NewMember,
  RemoveOptions,
} from "./driver.ts";
export type { DriverMetric } from "./driver-metric.ts";
export {
  type CreateJournalOptions,
  DEFAULT_JOURNAL_LIMITS,
  type FencedJournal,
  type JournalCreation,
  type JournalFence,
  type JournalHead,
  type JournalLimits,
  type JournalRecord,
  type JournalSnapshot,
  type JournalState,
  type JournalTakeoverOptions,
  type PutSnapshotOptions,
} from "./journal/fenced-journal.ts";
export { JournalError, type JournalErrorCode, type JournalErrorOptions } from "./journal/journal-error.ts";
export { type CallOptions, epochOf, type LeaderState, sameLeaderState, type Tenure } from "./leader-state.ts";
export { systemClock } from "./system-clock.ts";
export {
  checkTenureTerms,
  DEFAULT_TENURE_TERMS,
  MIN_TENURE_MS,
  type TenureTerms,
  usableTenureMs,
  waitOutMs,
} from "./tenure-terms.ts";

// For those who write a driver.

export { AdvancePayload, rejectOutOfRangeAdvance } from "./advance-payload.ts";
export { Calls, untilAborted } from "./calls.ts";
export {
  checkJournalEntry,
  checkJournalFence,
  checkJournalFrom,
  checkJournalId,
  checkJournalLimits,
  checkJournalSeq,
  checkJournalSnapshot,
  checkJournalTs,
  MAX_JOURNAL_NAME_BYTES,
} from "./journal/journal-arguments.ts";
export { type JournalWrite, journalHeadAfter, journalRefusal } from "./journal/journal-rules.ts";
export { LeadershipCell } from "./leadership-cell.ts";
export {
  BOOT_CLOCK_RESOLUTION_MS,
  LeaseClock,
  type LeaseClockSources,
  type LeaseMark,
  laterMark,
} from "./lease-clock.ts";
export { TenureKeeper } from "./tenure-keeper.ts";
export { WaitOut } from "./wait-out.ts";
