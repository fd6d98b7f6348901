// SPDX-License-Identifier: Apache-2.0
import { U64_MAX } from "@tsoracle/core";
import {
  DEFAULT_JOURNAL_LIMITS,
  type JournalFence,
  type JournalLimits,
  type JournalTakeoverOptions,
} from "./fenced-journal.ts";
import { JournalError } from "./journal-error.ts";

/** The longest session id and the longest owner, in UTF-8. */
export const MAX_JOURNAL_NAME_BYTES = 512;

const encoder = new TextEncoder();

/** @throws JournalError `invalid` unless it can be the id of a session. */
export function checkJournalId(id: unknown): string {
  return checkName("session id", id);
}

/** A copy with nothing but the two members. @throws JournalError `invalid` */
export function checkJournalFence(fence: JournalFence): JournalFence {
  if (typeof fence !== "object" || fence === null) throw invalid("fence", "an epoch and an owner", fence);
  return Object.freeze({ epoch: checkU64("epoch", fence.epoch), owner: checkName("owner", fence.owner) });
}

/** The epoch to take over from, if one was named. @throws JournalError `invalid` */
export function checkJournalFrom(options: JournalTakeoverOptions | undefined): bigint | undefined {
  return options?.from === undefined ? undefined : checkU64("from", options.from);
}

/** @throws JournalError `invalid` unless `seq` is a safe integer from `least`. */
export function checkJournalSeq(seq: unknown, least: 0 | 1): number {
  if (typeof seq === "number" && Number.isSafeInteger(seq) && seq >= least) return seq;
  throw invalid("sequence number", `an integer from ${least} to 2^53-1`, seq);
}

/** @throws JournalError `invalid` unless it is an unsigned 64-bit integer. */
export function checkJournalTs(ts: unknown): bigint {
  return checkU64("ts", ts);
}

/** A copy, so that the caller may go on to use its array. @throws JournalError `invalid`, `oversize` */
export function checkJournalEntry(entry: unknown, limits: JournalLimits): Uint8Array {
  return checkBytes("entry", entry, limits.maxEntryBytes);
}

/** A copy, so that the caller may go on to use its array. @throws JournalError `invalid`, `oversize` */
export function checkJournalSnapshot(bytes: unknown, limits: JournalLimits): Uint8Array {
  return checkBytes("snapshot", bytes, limits.maxSnapshotBytes);
}

/** The limits with their defaults. @throws JournalError `invalid` unless both are from 1 byte to 256 MiB. */
export function checkJournalLimits(limits: Partial<JournalLimits> = {}): JournalLimits {
  const { maxEntryBytes, maxSnapshotBytes } = { ...DEFAULT_JOURNAL_LIMITS, ...limits };
  for (const [name, value] of Object.entries({ maxEntryBytes, maxSnapshotBytes })) {
    if (!Number.isInteger(value) || value < 1 || value > 2 ** 28) {
      throw invalid(name, "an integer from 1 to 2^28", value);
    }
  }
  return Object.freeze({ maxEntryBytes, maxSnapshotBytes });
}

function checkName(what: string, value: unknown): string {
  const expected = `1 to ${MAX_JOURNAL_NAME_BYTES} bytes of well-formed text without NUL`;
  // A lone surrogate would become U+FFFD in UTF-8, and two ids would become one.
  if (typeof value !== "string" || value === "" || value.includes("\0") || /\p{Surrogate}/u.test(value)) {
    throw invalid(what, expected, value);
  }
  const bytes = encoder.encode(value).length;
  if (bytes > MAX_JOURNAL_NAME_BYTES) throw new JournalError("invalid", `${what}: expected ${expected}, got ${bytes}`);
  return value;
}

function checkU64(what: string, value: unknown): bigint {
  if (typeof value === "bigint" && value >= 0n && value <= U64_MAX) return value;
  throw invalid(what, "a bigint from 0 to 2^64-1", value);
}

function checkBytes(what: string, value: unknown, limit: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw invalid(what, "a Uint8Array", value);
  if (value.length > limit) {
    throw new JournalError("oversize", `this ${what} has ${value.length} bytes, and the store takes ${limit} at most`);
  }
  return Uint8Array.from(value);
}

function invalid(what: string, expected: string, got: unknown): JournalError {
  const shown = typeof got === "string" ? JSON.stringify(got.slice(0, 64)) : String(got);
  return new JournalError("invalid", `${what}: expected ${expected}, got ${shown} (${typeof got})`);
}
