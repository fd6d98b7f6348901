// SPDX-License-Identifier: Apache-2.0

export type RaftLogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** Receives lines for people who look into a run; nothing depends on them, and their wording may change. */
export type RaftLogger = (level: RaftLogLevel, text: string) => void;

/** A node id as the log lines show it. */
export function hex(id: number): string {
  return id.toString(16);
}
