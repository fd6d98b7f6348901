// SPDX-License-Identifier: Apache-2.0

/** What a worker process is given as its only argument, as JSON. */
export interface WorkerCommand {
  /** A store of the table, and what its file there made of this worker. */
  readonly store: string;
  readonly config: unknown;
  readonly worker: number;
  readonly workers: number;
  /** How often this worker was started before. */
  readonly incarnation: number;
  readonly sessions: number;
  /** `host:port` of the oracle. */
  readonly oracle: string;
  /** Zero of the shared clock. */
  readonly clockBase: string;
  /** Where workers see each other. */
  readonly presence: string;
  /** The file to write calls to. */
  readonly record: string;
  readonly fenceCheck: boolean;
  readonly seed: number;
}

/** The name that a worker has as an owner, over all of its starts. */
export const nodeName = (worker: number): string => `worker-${worker}`;

/** The index in the name of an owner; undefined if no worker has that name. */
export function workerOf(node: string): number | undefined {
  const match = /^worker-(\d+)$/.exec(node);
  return match === null ? undefined : Number(match[1]);
}
