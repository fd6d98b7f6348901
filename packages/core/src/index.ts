// SPDX-License-Identifier: Apache-2.0
// For everybody who handles timestamps.
export { CoreError, type CoreErrorCode } from "./core-error.ts";
export { EPOCH_ZERO, type Epoch, type EpochHalves, epoch, epochFromHalves, epochToHalves } from "./epoch.ts";
export * from "./limits.ts";
export { type PeerEndpoint, type PeerEndpointResult, parsePeerEndpoint, peerEndpoint } from "./peer-endpoint.ts";
export { isPhysicalMs, MAX_PHYSICAL_MS, PHYSICAL_MS_ZERO, type PhysicalMs, physicalMs } from "./physical-ms.ts";
export {
  packTimestamp,
  parseTimestamp,
  Timestamp,
  type TimestampParts,
  timestampFromBytes,
  timestampToBytes,
  unpackTimestamp,
} from "./timestamp.ts";

// For those who build drivers and servers.
export {
  Allocator,
  type BecomeLeaderResult,
  type CommitResult,
  type ExtensionResult,
  epochOrZero,
  type GrantRefusal,
  type GrantResult,
  type LeadershipWindow,
} from "./allocator.ts";
export type { Clock } from "./clock.ts";
export { EpochGuard } from "./epoch-guard.ts";
export {
  type DriverRefusal,
  FailoverMachine,
  type FailoverEffect,
  type FailoverEvent,
  type FailoverOptions,
  type FailoverState,
  FENCE_BACKOFF_BASE_MS,
  FENCE_BACKOFF_CAP_MS,
  FENCE_WARN_AFTER,
  FENCE_WARN_EVERY,
  fenceBackoffMs,
  type LeaderHint,
  type LeadershipView,
  type StopReason,
} from "./failover.ts";
export { WindowGrant } from "./grant.ts";
export { InvariantViolation, invariant } from "./invariant.ts";
export {
  type AcquirePlan,
  isExpired,
  type LeaseChange,
  type LeaseRecord,
  type LeaseRequestRefusal,
  LeaseTable,
  type LeaseTtlBounds,
  type RenewPlan,
  validateLeaseRequest,
} from "./lease.ts";
export {
  type DenseAdvance,
  DenseTable,
  parseSeqKey,
  type SeqEntry,
  type SeqKey,
  type SeqKeyResult,
  type SeqRequestResult,
  utf8Length,
  validateSeqRequest,
} from "./sequence.ts";
