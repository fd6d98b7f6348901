// SPDX-License-Identifier: Apache-2.0
// For everybody who handles timestamps.

export { CoreError, type CoreErrorCode } from "./core-error.ts";
export { EPOCH_ZERO, type Epoch, type EpochHalves, epoch, epochFromHalves, epochToHalves } from "./epoch.ts";
export {
  DEFAULT_FAILOVER_ADVANCE_MS,
  DEFAULT_LEASE_TTL_CEILING_MS,
  DEFAULT_LEASE_TTL_FLOOR_MS,
  DEFAULT_MAX_SEQ_BATCH_KEYS,
  DEFAULT_MAX_SEQ_COUNT,
  DEFAULT_SEQ_KEY_CAP,
  DEFAULT_WINDOW_AHEAD_MS,
  LOGICAL_BITS,
  LOGICAL_MAX,
  MAX_LEASE_HOLDER_BYTES,
  MAX_SEQ_KEY_BYTES,
  MAX_TIMESTAMPS_PER_RPC,
  PHYSICAL_BITS,
  PHYSICAL_MS_MAX,
  U64_MAX,
  U128_MAX,
} from "./limits.ts";
export { type PeerEndpoint, type PeerEndpointResult, parsePeerEndpoint, peerEndpoint } from "./peer-endpoint.ts";
export { isPhysicalMs, MAX_PHYSICAL_MS, PHYSICAL_MS_ZERO, type PhysicalMs, physicalMs } from "./physical-ms.ts";
export { packTimestamp, Timestamp, type TimestampParts, unpackTimestamp } from "./timestamp.ts";
export { parseTimestamp, timestampFromBytes, timestampToBytes } from "./timestamp-codec.ts";

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
export { type Clock, isClockReading } from "./clock.ts";
export { type DenseAdvance, DenseTable } from "./dense-table.ts";
export { EpochGuard } from "./epoch-guard.ts";
export { FailoverMachine } from "./failover.ts";
export type {
  DriverRefusal,
  FailoverAttempt,
  FailoverEffect,
  FailoverEvent,
  FailoverOptions,
  FailoverState,
  LeaderHint,
  LeadershipView,
  StopReason,
} from "./failover-protocol.ts";
export {
  FENCE_BACKOFF_BASE_MS,
  FENCE_BACKOFF_CAP_MS,
  FENCE_WARN_AFTER,
  FENCE_WARN_EVERY,
  fenceBackoffMs,
} from "./fence-backoff.ts";
export { WindowGrant } from "./grant.ts";
export { InvariantViolation, invariant } from "./invariant.ts";
export {
  isExpired,
  type LeaseRecord,
  type LeaseRequestRefusal,
  type LeaseTtlBounds,
  validateLeaseRequest,
} from "./lease-record.ts";
export { type AcquirePlan, type LeaseChange, LeaseTable, type RenewPlan } from "./lease-table.ts";
export {
  parseSeqKey,
  type SeqEntry,
  type SeqKey,
  type SeqKeyResult,
  type SeqRequestResult,
  utf8Length,
  validateSeqRequest,
} from "./seq-key.ts";
