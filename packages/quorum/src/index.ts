// SPDX-License-Identifier: Apache-2.0
// For everybody who writes to several copies.

export { type ConfiguredPeer, type QuorumConfig, type QuorumSettings, quorumConfig } from "./config.ts";
export { DEFAULT_DEAD_LETTERS_MAX, type DeadLetter, DeadLetters } from "./dead-letters.ts";
export { type QuorumHttpAnswer, quorumErrorHttpAnswer, quorumHttpAnswer } from "./http-answer.ts";
export {
  QUORUM_METRICS,
  type QuorumAckResult,
  type QuorumMetricLabels,
  type QuorumMetricName,
  type QuorumMetrics,
} from "./metrics.ts";
export {
  classifyHttpAnswer,
  type PeerHttpAnswer,
  type PeerOutcome,
  type QuorumPeer,
  type QuorumRecord,
} from "./peer.ts";
export {
  DEFAULT_ACK_TIMEOUT_MS,
  DEFAULT_CLOCK_SKEW_WARN_MS,
  type DurationJson,
  majority,
  QuorumPolicy,
  type QuorumPolicyJson,
  type QuorumPolicyOptions,
} from "./policy.ts";
export {
  parseQuorumFailureReason,
  QUORUM_FAILURE_REASONS,
  QuorumError,
  type QuorumErrorCode,
  type QuorumFailureReason,
  type QuorumNotMetDetail,
} from "./quorum-error.ts";
export { type QuorumWarning, QuorumWriter, type QuorumWriterOptions } from "./writer.ts";

// For those who count for themselves.

export { AckTracker, type AckTrackerOptions, type QuorumResult } from "./ack-tracker.ts";
export { checkPeers, normalisePeer } from "./peer-address.ts";
export { RETRY_DELAY_MS } from "./peer-link.ts";
export { quorumIndex } from "./quorum-index.ts";
export { systemTimers, type Timers } from "./timers.ts";
