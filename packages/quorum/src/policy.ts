// SPDX-License-Identifier: Apache-2.0
import { QuorumError } from "./quorum-error.ts";

/** Milliseconds that a majority policy waits for acknowledgements. */
export const DEFAULT_ACK_TIMEOUT_MS = 2_000;
/** Milliseconds of clock difference from which a peer is worth a warning. */
export const DEFAULT_CLOCK_SKEW_WARN_MS = 30_000;

/** A timer of Node that is set for longer fires at once. */
const DURATION_MAX_MS = 2 ** 31 - 1;

/** The JSON form. Durations keep the seconds and nanoseconds of the format that other tools write. */
export interface QuorumPolicyJson {
  readonly n: number;
  readonly w: number;
  readonly ack_timeout: DurationJson;
  readonly clock_skew_warn: DurationJson;
}

export interface DurationJson {
  readonly secs: number;
  readonly nanos: number;
}

export interface QuorumPolicyOptions {
  /** How many copies there are in all. */
  readonly n: number;
  /** How many must hold a write before it counts; clamped to 1..n. */
  readonly w: number;
  /** @defaultValue 2000 ms */
  readonly ackTimeoutMs?: number;
  /** @defaultValue 30000 ms */
  readonly clockSkewWarnMs?: number;
}

/** The smallest number of which any two groups overlap. An even n tolerates no more failures than n-1 does. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1;
}

/**
 * How many of how many, and for how long to wait. Immutable; a policy that cannot work cannot be built.
 * Source: `fencing-quorum-sessions.md` 2.1.
 */
export class QuorumPolicy {
  readonly n: number;
  readonly w: number;
  readonly ackTimeoutMs: number;
  readonly clockSkewWarnMs: number;

  /** @throws QuorumError `invalid_policy`: n below 1, or numbers that are not whole or not finite. */
  constructor(options: QuorumPolicyOptions) {
    const { n, w, ackTimeoutMs = DEFAULT_ACK_TIMEOUT_MS, clockSkewWarnMs = DEFAULT_CLOCK_SKEW_WARN_MS } = options;
    if (!Number.isSafeInteger(n)) throw QuorumError.invalidPolicy(`n must be a whole number, got ${String(n)}`);
    if (n < 1) throw QuorumError.invalidPolicy("n must be >= 1");
    if (!Number.isSafeInteger(w)) throw QuorumError.invalidPolicy(`w must be a whole number, got ${String(w)}`);
    this.n = n;
    this.w = Math.min(Math.max(w, 1), n);
    this.ackTimeoutMs = checkDuration("ack_timeout", ackTimeoutMs);
    this.clockSkewWarnMs = checkDuration("clock_skew_warn", clockSkewWarnMs);
    Object.freeze(this);
  }

  /**
   * W = floor(n/2) + 1, with the default times.
   *
   * @throws QuorumError `invalid_policy` for n below 1.
   */
  static majority(n: number): QuorumPolicy {
    return new QuorumPolicy({ n, w: majority(n) });
  }

  /**
   * Reads what {@link toJSON} wrote. The values pass the constructor: w is clamped, n = 0 is refused.
   * Times may be missing.
   *
   * @throws QuorumError `invalid_policy`.
   */
  static fromJson(json: unknown): QuorumPolicy {
    if (typeof json !== "object" || json === null) {
      throw QuorumError.invalidPolicy(`expected an object with n and w, got ${JSON.stringify(json)}`);
    }
    const { n, w, ack_timeout, clock_skew_warn } = json as Readonly<Record<string, unknown>>;
    if (typeof n !== "number" || typeof w !== "number") {
      throw QuorumError.invalidPolicy(`expected n and w to be numbers, got ${JSON.stringify({ n, w })}`);
    }
    return new QuorumPolicy({
      n,
      w,
      ...(ack_timeout === undefined ? {} : { ackTimeoutMs: durationFromJson("ack_timeout", ack_timeout) }),
      ...(clock_skew_warn === undefined
        ? {}
        : { clockSkewWarnMs: durationFromJson("clock_skew_warn", clock_skew_warn) }),
    });
  }

  toJSON(): QuorumPolicyJson {
    return {
      n: this.n,
      w: this.w,
      ack_timeout: durationToJson(this.ackTimeoutMs),
      clock_skew_warn: durationToJson(this.clockSkewWarnMs),
    };
  }
}

function checkDuration(name: string, ms: number): number {
  if (typeof ms === "number" && ms >= 0 && ms <= DURATION_MAX_MS) return ms;
  throw QuorumError.invalidPolicy(`${name} must be from 0 to ${DURATION_MAX_MS} milliseconds, got ${String(ms)}`);
}

function durationToJson(ms: number): DurationJson {
  const secs = Math.floor(ms / 1_000);
  return { secs, nanos: Math.round((ms - secs * 1_000) * 1_000_000) };
}

function durationFromJson(name: string, value: unknown): number {
  if (typeof value === "object" && value !== null) {
    const { secs, nanos } = value as Readonly<Record<string, unknown>>;
    if (typeof secs === "number" && typeof nanos === "number") return secs * 1_000 + nanos / 1_000_000;
  }
  throw QuorumError.invalidPolicy(`${name} must be {"secs":number,"nanos":number}, got ${JSON.stringify(value)}`);
}
