// SPDX-License-Identifier: Apache-2.0

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Longest duration that any flag takes: a day, far below where Node's timers wrap (2^31 - 1 ms). */
export const DURATION_MAX_MS = 86_400_000;

export type DurationResult =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly expected: string };

/**
 * Reads `500ms`, `3s`, `1.5m` or `1h` as whole milliseconds; a bare `0` needs no unit.
 *
 * @param min - smallest accepted value in milliseconds, as some flags have no sense at zero
 */
export function parseDuration(text: string, min: number, max: number = DURATION_MAX_MS): DurationResult {
  const expected = `expected a duration from ${formatDuration(min)} to ${formatDuration(max)}, such as 500ms, 3s or 1m`;
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/.exec(text === "0" ? "0ms" : text);
  if (match === null) return { ok: false, expected };
  const ms = Math.round(Number(match[1]) * (UNITS[match[2] ?? ""] ?? Number.NaN) * 1_000) / 1_000;
  if (!Number.isSafeInteger(ms) || ms < min || ms > max) return { ok: false, expected };
  return { ok: true, ms };
}

/** The shortest way to write a whole number of milliseconds that {@link parseDuration} reads back. */
export function formatDuration(ms: number): string {
  for (const unit of ["h", "m", "s"]) {
    const size = UNITS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
