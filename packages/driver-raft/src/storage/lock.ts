// SPDX-License-Identifier: Apache-2.0

/** What tells one process from another on one machine (`raft.md` I5). */
export interface HostProcess {
  readonly pid: number;
  /** Changes with every boot of the machine; a lock of another boot is stale. */
  readonly bootId: string;
  /** When the process began, in the system's own unit; empty where it cannot be told. Tells a reused pid apart. */
  readonly startTime: string;
  /** The space in which `pid` means something; empty where there is only one. */
  readonly pidNamespace: string;
  /** The start time of a live process (possibly empty), or undefined if there is none of that pid. */
  startTimeOf(pid: number): string | undefined;
}

export interface LockSettings {
  readonly process: HostProcess;
  /**
   * What to do about a lock whose holder cannot be looked up because it lives in another pid namespace (another
   * container on the same machine): `"refuse"` (default), or `"take-over"` where the operator makes sure otherwise
   * that only one of them runs.
   */
  readonly unverifiable?: "refuse" | "take-over" | undefined;
}
