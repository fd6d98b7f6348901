// SPDX-License-Identifier: Apache-2.0

/** One server to measure: the real one over a driver, or the bare baseline. */
export type ServerKind =
  | { readonly kind: "tcp" }
  | {
      readonly kind: "oracle";
      readonly driver: "memory" | "file";
      readonly windowAheadMs: number;
      readonly failoverAdvanceMs: number;
    };

/** One side of a comparison. */
export interface Side {
  readonly label: string;
  readonly server: ServerKind;
}

/**
 * A comparison of two sides under the same load in one run. Only the ratio of the two means
 * something: absolute figures drift with the machine.
 */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  /** Callers that each await one timestamp at a time, in one client. */
  readonly callers: number;
  readonly subject: Side;
  readonly baseline: Side;
  readonly metric: "p50" | "p99" | "rate";
  /** What the ratio subject ÷ baseline is meant to be, for the reader; a benchmark never fails on it. */
  readonly goal: string;
  readonly runs: number;
  readonly secondsPerRun: number;
}

const memoryOracle: Side = {
  label: "oracle",
  server: { kind: "oracle", driver: "memory", windowAheadMs: 3_000, failoverAdvanceMs: 1_000 },
};
const bareTcp: Side = { label: "bare TCP", server: { kind: "tcp" } };

/** A window so long that nothing is extended while a run lasts. */
const HOUR_MS = 3_600_000;

export const benchCases: readonly BenchCase[] = [
  {
    name: "serial",
    title: "one caller, one timestamp at a time",
    callers: 1,
    subject: memoryOracle,
    baseline: bareTcp,
    metric: "p50",
    goal: "at most 1.5",
    runs: 7,
    secondsPerRun: 1.5,
  },
  {
    name: "callers-100",
    title: "100 callers in one client",
    callers: 100,
    subject: memoryOracle,
    baseline: bareTcp,
    metric: "rate",
    goal: "as near to 1 as it gets",
    runs: 7,
    secondsPerRun: 1.5,
  },
  {
    name: "callers-1000",
    title: "1,000 callers in one client",
    callers: 1_000,
    subject: memoryOracle,
    baseline: bareTcp,
    metric: "rate",
    goal: "at least 0.7",
    runs: 7,
    secondsPerRun: 1.5,
  },
  {
    name: "extension",
    title: "file driver, window extended every 100 ms against never",
    callers: 16,
    subject: {
      label: "extending",
      server: { kind: "oracle", driver: "file", windowAheadMs: 200, failoverAdvanceMs: 200 },
    },
    baseline: {
      label: "not extending",
      server: { kind: "oracle", driver: "file", windowAheadMs: HOUR_MS, failoverAdvanceMs: HOUR_MS },
    },
    metric: "p99",
    goal: "at most 1.2",
    runs: 11,
    secondsPerRun: 2,
  },
];
