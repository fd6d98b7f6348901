// SPDX-License-Identifier: Apache-2.0
import type { Mutant } from "./mutant.ts";

/** Wrong cores and storages. */
export const coreMutants: readonly Mutant[] = [
  {
    name: "the vote is not written",
    rule: "E6",
    edits: [
      {
        file: "storage/log-state.ts",
        find: "{ term: next.term, vote: next.vote, commit: next.commit }",
        replace: "{ term: next.term, vote: 0, commit: next.commit }",
      },
    ],
    caughtBy: ["8", "2"],
  },
  {
    name: "a damaged end of the log that was answered for is cut off",
    rule: "C4",
    profile: "disks",
    edits: [
      { file: "storage/open-policy.ts", find: "  if (last.batch < batch) {\n", replace: "  if (last.batch < 0) {\n" },
      {
        file: "storage/open-policy.ts",
        find: "if (mark === undefined || (inLog === undefined && mark.batch < batch)) continue;",
        replace: "if (mark === undefined || inLog === undefined) continue;",
      },
    ],
    caughtBy: ["8"],
  },
  {
    name: "an old term's entry is committed by counting",
    rule: "E8",
    profile: "divergence",
    edits: [
      {
        file: "raft/commit.ts",
        find: "r.raftLog.maybeCommit({ term: r.term, index: r.trk.committed() })",
        replace:
          "r.raftLog.maybeCommit({ term: r.raftLog.zeroTermOnOutOfBounds(r.trk.committed()), index: r.trk.committed() })",
      },
      // With everything in one message the two entries are always acknowledged together.
      { file: "node/replica-settings.ts", find: "maxSizePerMsg: 1024 * 1024", replace: "maxSizePerMsg: 0" },
    ],
    caughtBy: ["E8"],
  },
  {
    name: "heartbeats carry the whole commit index",
    rule: "E8",
    edits: [
      {
        file: "raft/replication.ts",
        find: "const commit = Math.min(progress.match, r.raftLog.committed);",
        replace: "const commit = r.raftLog.committed;",
      },
    ],
    caughtBy: ["panic", "6"],
  },
  {
    name: "an append cuts off what follows it although nothing conflicts",
    rule: "P8",
    edits: [
      {
        file: "raft/log/raft-log.ts",
        find: "const conflict = this.findConflict(entries);",
        replace: "const conflict = entries.find(({ index }) => index > this.committed)?.index ?? 0;",
      },
    ],
    caughtBy: ["7", "QuorumLogInv", "5", "MoreUpToDateCorrectInv", "9", "panic"],
  },
  {
    name: "the log before an append is not compared",
    rule: "E7",
    profile: "divergence",
    edits: [
      {
        file: "raft/log/raft-log.ts",
        find: "if (!this.matchTerm(prev)) return undefined;",
        replace: "if (prev.index > this.lastIndex()) return undefined;",
      },
    ],
    caughtBy: ["3", "11", "6", "panic"],
  },
  {
    name: "votes go to logs that lack entries",
    rule: "E6",
    profile: "divergence",
    edits: [
      {
        file: "raft/vote-request.ts",
        find: "const granted = canVote && r.raftLog.isUpToDate({ term: m.logTerm, index: m.index });",
        replace: "const granted = canVote;",
      },
    ],
    caughtBy: ["5", "10", "panic", "6", "7", "QuorumLogInv"],
  },
  {
    name: "two votes in one term",
    rule: "E6",
    profile: "divergence",
    edits: [
      {
        file: "raft/vote-request.ts",
        find: "r.vote === m.from || (r.vote === None && r.lead === None)",
        replace: "r.vote !== r.id || (r.vote === None && r.lead === None)",
      },
    ],
    caughtBy: ["1", "2", "panic"],
  },
  {
    name: "a change of members while another one is not applied",
    rule: "M2",
    profile: "members",
    edits: [
      {
        file: "raft/proposal.ts",
        find: "if (r.pendingConfIndex > r.raftLog.applied) {",
        replace: "if (r.pendingConfIndex < 0) {",
      },
    ],
    caughtBy: ["12", "panic"],
  },
  {
    name: "votes are given while the leader is heard",
    rule: "E3",
    profile: "leases",
    edits: [
      { file: "raft/vote-request.ts", find: "  if (r.bound()) {\n", replace: "  if (r.id < 0) {\n" },
      {
        file: "raft/vote-request.ts",
        find: "if (m.term <= r.term || !r.checkQuorum",
        replace: "if (m.term > 0 || !r.checkQuorum",
      },
      { file: "raft/campaign.ts", find: "(r.voteEmbargo || r.bound())", replace: "r.voteEmbargo" },
    ],
    caughtBy: ["14", "15"],
  },
  {
    name: "a lease may rest on one answer of a quorum",
    rule: "Q2",
    profile: "leases",
    edits: [
      {
        file: "raft/reads.ts",
        find: "return r.trk.quorumIndex((id) => (id === r.id ? noLimit : r.readOnly.acked(id)));",
        replace: "return r.readOnly.round;",
      },
    ],
    caughtBy: ["14", "15", "13"],
  },
  {
    name: "a snapshot is taken as proof of a log that differs",
    rule: "E11",
    profile: "divergence",
    edits: [
      {
        file: "raft/snapshot-request.ts",
        find: "if (r.raftLog.matchTerm({ term, index })) {",
        replace: "if (index <= r.raftLog.lastIndex()) {",
      },
    ],
    caughtBy: ["6", "10", "8"],
  },
  {
    name: "the log is not synced",
    rule: "P1",
    profile: "disks",
    edits: [
      {
        file: "storage/wal-writer.ts",
        find: "    this.#active.pwrite(bytes, this.#writeAt);\n    this.#active.fdatasync();\n",
        replace: "    this.#active.pwrite(bytes, this.#writeAt);\n",
      },
    ],
    caughtBy: ["8"],
  },
  {
    name: "a failed sync is tried again",
    rule: "P9",
    profile: "disks",
    edits: [
      {
        file: "storage/wal-writer.ts",
        find: "    this.#active.pwrite(bytes, this.#writeAt);\n    this.#active.fdatasync();\n",
        replace:
          "    this.#active.pwrite(bytes, this.#writeAt);\n    try {\n      this.#active.fdatasync();\n    } catch {\n      this.#active.fdatasync();\n    }\n",
      },
    ],
    caughtBy: ["8", "panic"],
  },
  {
    name: "chance that no seed knows of",
    rule: "N5",
    edits: [
      {
        file: "raft/raft.ts",
        find: "this.config.randomInt(this.electionTimeout)",
        replace: "Math.floor(Math.random() * this.electionTimeout)",
      },
    ],
    caughtBy: ["17"],
  },
];
