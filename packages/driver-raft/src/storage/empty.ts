// SPDX-License-Identifier: Apache-2.0
import type { ConfState, HardState, Snapshot } from "../raft/types.ts";

// Own values, because the storage takes only types from the core.

const noMembers: ConfState = Object.freeze({
  voters: Object.freeze([]),
  learners: Object.freeze([]),
  votersOutgoing: Object.freeze([]),
  learnersNext: Object.freeze([]),
  autoLeave: false,
});

/** "No snapshot": index 0. */
export const emptySnap: Snapshot = Object.freeze({
  data: new Uint8Array(0),
  metadata: Object.freeze({ confState: noMembers, index: 0, term: 0 }),
});

export const noHardState: HardState = Object.freeze({ term: 0, vote: 0, commit: 0 });
