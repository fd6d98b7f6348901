// SPDX-License-Identifier: Apache-2.0
import type { Raft } from "./raft.ts";

/** Whether the leader has committed an entry of its own term, below which it then knows everything committed (S4). */
export function committedEntryInCurrentTerm(r: Raft): boolean {
  // A leader's term is never 0, so an unknown term, which is 0 here, never matches.
  return r.raftLog.zeroTermOnOutOfBounds(r.raftLog.committed) === r.term;
}
