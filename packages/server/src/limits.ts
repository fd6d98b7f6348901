// SPDX-License-Identifier: Apache-2.0

/** What a server accepts before it refuses. Every queue and buffer is bounded by one of these. */
export interface ServerLimits {
  /** Largest request, in bytes of protobuf. Answers are bounded by what may be asked for. */
  readonly maxMessageBytes: number;
  /** Most connections at one time; further ones are closed at once. */
  readonly maxConnections: number;
  /** Most calls at one time on one connection (HTTP/2 streams). */
  readonly maxStreamsPerConnection: number;
  /** Most unanswered requests on one timestamp stream; beyond it the server stops reading that stream. */
  readonly maxPendingPerStream: number;
  /** Most timestamp requests that may wait for a window; further ones get RESOURCE_EXHAUSTED. */
  readonly maxPendingGrants: number;
  /** Most sequence and lease calls under way; further ones get RESOURCE_EXHAUSTED. */
  readonly maxPendingWrites: number;
  /**
   * Most leases that may live at one time; a further one gets RESOURCE_EXHAUSTED. Each change writes
   * the whole set, so this bounds the cost of a change as well as memory.
   */
  readonly maxLeases: number;
  /** Longest time from connecting to a finished TLS handshake or HTTP/2 preface, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** A connection without calls is closed after this long, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** How often a connection is pinged, in milliseconds. */
  readonly keepaliveIntervalMs: number;
  /** How long a ping may stay unanswered before the connection is closed, in milliseconds. */
  readonly keepaliveTimeoutMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = Object.freeze({
  maxMessageBytes: 64 * 1024,
  maxConnections: 4_096,
  maxStreamsPerConnection: 1_024,
  maxPendingPerStream: 256,
  maxPendingGrants: 65_536,
  maxPendingWrites: 1_024,
  maxLeases: 10_000,
  handshakeTimeoutMs: 10_000,
  idleTimeoutMs: 30 * 60_000,
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 10_000,
});
