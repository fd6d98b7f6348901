// SPDX-License-Identifier: Apache-2.0

/** What a campaign does to its nodes, one class per cycle (`fencing-quorum-sessions.md` 2.9). */
export const FAULT_CLASSES = [
  "kill_primary_mid_write",
  "partition_minority",
  "drop_random_acks",
  "clock_skew_peer",
] as const;

export type FaultClass = (typeof FAULT_CLASSES)[number];

interface FaultLabel {
  readonly kind: "real" | "simulated";
  /** What was done, in words, so that nobody takes a label for more than it is. */
  readonly words: string;
}

export const FAULT_LABELS: Readonly<Record<FaultClass, FaultLabel>> = {
  kill_primary_mid_write: {
    kind: "real",
    words: "SIGKILL to the primary while writes are under way; it starts again on the same files",
  },
  partition_minority: {
    kind: "real",
    words: "all bytes between one node and the other two are lost for 500 ms; the nodes take turns",
  },
  drop_random_acks: {
    kind: "simulated",
    words:
      "one peer is really stopped for 500 ms (SIGSTOP), so its acknowledgements are late; that one is lost on the way is not shown",
  },
  clock_skew_peer: {
    kind: "simulated",
    words: "one peer states a wrong time and the primary records it; no clock of the system is touched",
  },
};

/** How long a partition and a stop last. Milliseconds. */
export const FAULT_MS = 500;

/** How long a node waits for the answer of another one to one attempt. Milliseconds. */
export const CLIENT_TIMEOUT_MS = 2_000;

/** Copies of each write, and how many must confirm it. */
export const COPIES = 3;
export const QUORUM = 2;

/** Writes that the client has under way at once. */
export const WRITES_AT_ONCE = 4;
