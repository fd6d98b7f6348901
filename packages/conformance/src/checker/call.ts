// SPDX-License-Identifier: Apache-2.0
import { HistoryError } from "./history-error.ts";

/** Names one sequential caller: it starts a call only after its previous one has ended. */
export type ClientId = string | number;

/** A reading of the clock that all calls of a history share, in any unit. */
export type Instant = number | bigint;

/** The client holds the timestamps `first`, `first + 1`, ... `first + count - 1`. */
export interface OkOutcome {
  readonly kind: "ok";
  /** First packed timestamp, an unsigned 64-bit integer. */
  readonly first: bigint;
  /** How many timestamps the answer holds, at least 1. */
  readonly count: number;
  /** The epoch that the answer names. */
  readonly epoch: bigint;
  /**
   * Index in the batch of the first timestamp that is not its predecessor plus one; absent for a batch in
   * order, which is the only kind there should be. {@link okFromTimestamps} finds it.
   */
  readonly brokenAt?: number;
}

/** The oracle said that it issued nothing. */
export interface FailedOutcome {
  readonly kind: "failed";
}

/** No answer: timestamps may have been issued, now or later, and nobody holds them. */
export interface UnknownOutcome {
  readonly kind: "unknown";
}

export type Outcome = OkOutcome | FailedOutcome | UnknownOutcome;

/**
 * One call as its client saw it.
 *
 * `begin` was read before the request was sent, `end` after the answer was in hand (or the client had given
 * up), both on the one clock of the history. The true interval lies inside, so a coarse or slow clock makes
 * calls overlap more and can hide a violation but never invent one. For the same reason a call that ends at
 * the very instant at which another begins overlaps it: only `end < begin` orders calls.
 */
export interface Call {
  readonly client: ClientId;
  readonly begin: Instant;
  readonly end: Instant;
  readonly outcome: Outcome;
}

/** A call whose timestamps are known, the only kind that can take part in a violation. */
export interface OkCall extends Call {
  readonly outcome: OkOutcome;
}

const U64_MAX = 2n ** 64n - 1n;
const U32_MAX = 2 ** 32 - 1;

/** The last timestamp of a batch. */
export function lastOf(outcome: OkOutcome): bigint {
  return outcome.first + BigInt(outcome.count) - 1n;
}

export function isOk(call: Call): call is OkCall {
  return call.outcome.kind === "ok";
}

/**
 * The outcome of a client that holds its batch as a list, in the order in which it was handed over.
 *
 * A list with a hole or a step back yields `brokenAt`; everything else is then judged as if the batch were
 * `timestamps.length` values from its first.
 *
 * @throws HistoryError `malformed_call` for an empty list.
 */
export function okFromTimestamps(timestamps: readonly bigint[], epoch: bigint): OkOutcome {
  const first = timestamps[0];
  if (first === undefined) {
    throw new HistoryError("malformed_call", "expected at least one timestamp in an answer, got an empty list");
  }
  const count = timestamps.length;
  const brokenAt = timestamps.findIndex((value, index) => value !== first + BigInt(index));
  return brokenAt === -1 ? { kind: "ok", first, count, epoch } : { kind: "ok", first, count, epoch, brokenAt };
}

function malformed(position: number, expected: string, got: unknown): never {
  throw new HistoryError("malformed_call", `call ${position} of the history: expected ${expected}, got ${String(got)}`);
}

/**
 * Refuses what cannot have been observed. `position` is the zero-based place of the call in the history.
 *
 * @throws HistoryError `malformed_call`.
 */
export function validateCall(call: Call, position: number): void {
  const { client, begin, end, outcome } = call;
  if (typeof client !== "string" && typeof client !== "number")
    malformed(position, "a string or number as client", client);
  if (typeof begin !== typeof end)
    malformed(position, "begin and end of one type", `${typeof begin} and ${typeof end}`);
  for (const instant of [begin, end]) {
    const readable = typeof instant === "bigint" || (typeof instant === "number" && Number.isFinite(instant));
    if (!readable) malformed(position, "a finite number or a bigint as instant", instant);
  }
  if (begin > end) malformed(position, "a call that begins no later than it ends", `begin ${begin}, end ${end}`);
  switch (outcome.kind) {
    case "ok":
      validateOk(outcome, position);
      return;
    case "failed":
    case "unknown":
      return;
    default:
      malformed(position, "an outcome ok, failed or unknown", (outcome satisfies never as Outcome).kind);
  }
}

function validateOk(outcome: OkOutcome, position: number): void {
  const { first, count, epoch, brokenAt } = outcome;
  if (typeof first !== "bigint" || first < 0n)
    malformed(position, "an unsigned 64-bit bigint as first timestamp", first);
  if (!Number.isInteger(count) || count < 1 || count > U32_MAX) malformed(position, "a count from 1 to 2^32-1", count);
  if (lastOf(outcome) > U64_MAX) malformed(position, "a batch that ends at or below 2^64-1", lastOf(outcome));
  if (typeof epoch !== "bigint" || epoch < 0n) malformed(position, "a non-negative bigint as epoch", epoch);
  if (brokenAt === undefined) return;
  const inside = Number.isInteger(brokenAt) && brokenAt >= 1 && brokenAt < count;
  if (!inside) malformed(position, `brokenAt from 1 to count-1 = ${count - 1}`, brokenAt);
}
