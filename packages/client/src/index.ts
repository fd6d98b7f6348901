// SPDX-License-Identifier: Apache-2.0
// For everybody who needs timestamps, sequences or leases.
export { type CachedLeaderInfo, type CallOptions, type Client, createClient } from "./client.ts";
export { ClientError, type ClientErrorCode, type ClientErrorDetails } from "./client-error.ts";
// For those who connect a metrics library.
export type { ClientCounter, ClientGauge, ClientHistogram, ClientMetrics, RetryReason } from "./client-metrics.ts";
export type { ClientOptions, ClientTlsOptions, Pem } from "./client-options.ts";
export type { Lease, LeaseRequest, SafePoint } from "./lease-calls.ts";
export { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry-policy.ts";
export type { SeqBlock, SeqPosition, SeqRequest } from "./sequence-calls.ts";
export type { TimestampRange } from "./timestamp-range.ts";
