// SPDX-License-Identifier: Apache-2.0
import { type Logger, pino } from "pino";
import type { LogLevel } from "./log-level.ts";

/**
 * JSON lines on standard error, written at once: the last lines before a crash are the ones that matter,
 * and standard output belongs to the `serving on` line.
 */
export function openLogger(level: LogLevel): Logger {
  return pino({ level, base: { pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
}
