// SPDX-License-Identifier: Apache-2.0

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A copy of plain data (a report, a finding, a violation, a call) that `JSON.stringify` accepts: every bigint
 * becomes its decimal digits in a string, absent fields stay absent.
 *
 * @throws TypeError for what JSON cannot hold: functions, symbols, infinities, NaN.
 */
export function toJson(value: unknown): Json {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined);
    return Object.fromEntries(entries.map(([key, field]) => [key, toJson(field)]));
  }
  throw new TypeError(`expected plain data of finite numbers, bigints and strings, got ${String(value)}`);
}
