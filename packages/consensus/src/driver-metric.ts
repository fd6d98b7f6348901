// SPDX-License-Identifier: Apache-2.0

/** One number that a driver tells of itself. */
export interface DriverMetric {
  /** Words in lower case with dots between, as `tsoracle.raft.term`; each once. */
  readonly name: string;
  /** What it counts, in which unit. */
  readonly help: string;
  /** A counter only rises while the process lives. */
  readonly kind: "counter" | "gauge";
  readonly value: number;
}
