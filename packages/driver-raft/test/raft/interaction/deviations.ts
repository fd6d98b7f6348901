// SPDX-License-Identifier: Apache-2.0

/** A directive of the scenario files of etcd-io/raft v3.6.0 whose output differs from upstream's on purpose. */
export interface Deviation {
  readonly file: string;
  /** Of the command, from 1. */
  readonly line: number;
  /** Which rule wants it otherwise. */
  readonly reason: string;
}

/** Reviewed; a test fails when one of them no longer deviates. */
export const deviations: readonly Deviation[] = [];
