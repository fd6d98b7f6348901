// SPDX-License-Identifier: Apache-2.0
import { PHYSICAL_MS_MAX, U64_MAX, utf8Length } from "@tsoracle/core";
import { SessionError } from "./session-error.ts";

/** Longest id, owner or name of a store, in bytes of UTF-8. */
export const MAX_ID_BYTES = 256;
/** Longest route or reason, in bytes of UTF-8. */
export const MAX_TEXT_BYTES = 4_096;

/** Text that every store can hold and tell from every other: a lone surrogate has no UTF-8, Postgres has no U+0000. */
function isStorable(text: string): boolean {
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point === 0 || (point >= 0xd800 && point <= 0xdfff)) return false;
  }
  return true;
}

function refuseText(code: "id_invalid" | "text_invalid", what: string, expected: string, got: unknown): never {
  const came = typeof got === "string" ? JSON.stringify(got.slice(0, 80)) : typeof got;
  throw new SessionError(code, `expected ${what} to be ${expected}, got ${came}`);
}

/** @throws SessionError `id_invalid`. */
export function checkId(what: string, id: string): string {
  const fits = typeof id === "string" && id !== "" && isStorable(id) && utf8Length(id) <= MAX_ID_BYTES;
  if (fits) return id;
  return refuseText("id_invalid", what, `1 to ${MAX_ID_BYTES} bytes of well-formed text without U+0000`, id);
}

/** @throws SessionError `text_invalid`. */
export function checkText(what: string, text: string): string {
  if (typeof text === "string" && isStorable(text) && utf8Length(text) <= MAX_TEXT_BYTES) return text;
  return refuseText("text_invalid", what, `at most ${MAX_TEXT_BYTES} bytes of well-formed text without U+0000`, text);
}

/**
 * The integer itself; -0 becomes 0, since both are written alike.
 *
 * @throws SessionError `number_out_of_range`.
 */
export function checkInteger(what: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value === 0 ? 0 : value;
  throw new SessionError(
    "number_out_of_range",
    `expected ${what} to be an integer from ${least} to ${most}, got ${String(value)}`,
  );
}

/** A delay in milliseconds, as timers take it. @throws SessionError `number_out_of_range`. */
export function checkDeadline(ms: number): number {
  return checkInteger("deadlineMs", ms, 0, 2 ** 31 - 1);
}

/** A point in time in milliseconds, in the 46 bits that timestamps have. @throws SessionError `number_out_of_range`. */
export function checkMs(what: string, ms: number): number {
  return checkInteger(what, ms, 0, PHYSICAL_MS_MAX);
}

/** @throws SessionError `epoch_out_of_range`. */
export function checkEpoch(what: string, epoch: bigint, least: bigint): bigint {
  if (typeof epoch === "bigint" && epoch >= least && epoch <= U64_MAX) return epoch;
  throw new SessionError(
    "epoch_out_of_range",
    `expected ${what} to be a bigint from ${least} to 2^64-1, got ${typeof epoch} ${String(epoch)}`,
  );
}
