// SPDX-License-Identifier: Apache-2.0

/** Apart from the logger, which no command but serve needs and which takes a fifth of the time to start. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
