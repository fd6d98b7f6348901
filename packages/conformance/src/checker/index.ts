// SPDX-License-Identifier: Apache-2.0
// For everybody who records what clients observe and wants it judged.
export {
  type Call,
  type ClientId,
  type FailedOutcome,
  type Instant,
  type OkCall,
  type OkOutcome,
  type Outcome,
  okFromTimestamps,
  type UnknownOutcome,
} from "./call.ts";
export type { CallCounts } from "./call-log.ts";
// For those who build or doubt checkers: slow, and right by construction.
export { checkHistoryExact } from "./exact.ts";
export { checkHistory, HistoryChecker, type HistoryReport } from "./history-checker.ts";
export { HistoryError, type HistoryErrorCode } from "./history-error.ts";
export { type LinearizableResult, linearize, MAX_LINEARIZABLE_CALLS } from "./linearizable.ts";
export { checkMonotone, type MonotoneResult } from "./monotone.ts";
export { checkRealTimeOrder, type RealTimeResult } from "./real-time-order.ts";
export { type Json, toJson } from "./to-json.ts";
export { checkUnique, type UniqueResult } from "./unique.ts";
export type {
  BatchViolation,
  CheckOptions,
  Duplicate,
  Finding,
  OrderViolation,
  Violation,
} from "./violation.ts";
