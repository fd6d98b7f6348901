// SPDX-License-Identifier: Apache-2.0

import type { Profile } from "../plan.ts";

/** One exact exchange in one source file of driver-raft. It must match once, so that a stale mutant fails loudly. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** One wrong driver. */
export interface Mutant {
  readonly name: string;
  /** The rule of `raft.md` that it breaks. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** The kind of cases in which it shows; any if left out. */
  readonly profile?: Profile;
  /** Invariants that may be the first to notice. */
  readonly caughtBy: readonly string[];
}

const replica = "node/replica.ts";
const persistThenSend =
  '    this.#persist(ready);\n    for (const message of ready.messages) if (!early || message.type !== "MsgApp") this.#host.send(message);\n';
const sendThenPersist =
  '    for (const message of ready.messages) if (!early || message.type !== "MsgApp") this.#host.send(message);\n    this.#persist(ready);\n';
const hardStateToWrite = "      hardState: isEmptyHardState(hardState) ? undefined : hardState,\n";

export const mutants: readonly Mutant[] = [
  {
    name: "messages leave before the batch is written",
    rule: "P2",
    edits: [{ file: replica, find: persistThenSend, replace: sendThenPersist }],
    caughtBy: ["9"],
  },
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
    name: "the term is written only together with entries",
    rule: "P4",
    edits: [
      {
        file: replica,
        find: hardStateToWrite,
        replace: "      hardState: isEmptyHardState(hardState) || entries.length === 0 ? undefined : hardState,\n",
      },
    ],
    caughtBy: ["9", "8"],
  },
  {
    name: "a wiped voter is let in",
    rule: "I3",
    profile: "members",
    edits: [
      {
        file: "transport/peer-registry.ts",
        find: "if (expected === undefined || expected === storageId) return undefined;",
        replace: "if (expected !== null) return undefined;",
      },
    ],
    caughtBy: ["I3", "2", "5", "7", "QuorumLogInv"],
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
    name: "a clone is let in",
    rule: "I4",
    profile: "members",
    edits: [
      {
        file: "transport/peer-registry.ts",
        find: "if (record.cloned) return refuseClone(hello);",
        replace: "if (record.cloned || live || !live) return undefined;",
      },
    ],
    caughtBy: ["I4", "2"],
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
    name: "no vote embargo after a start",
    rule: "Q4",
    profile: "leases",
    edits: [
      { file: "node/replica-settings.ts", find: "    voteEmbargo: true,\n", replace: "    voteEmbargo: false,\n" },
    ],
    caughtBy: ["14", "15"],
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
    name: "the lease counts from the answer",
    rule: "Q2",
    profile: "leases",
    edits: [
      {
        file: replica,
        find: "if (mark !== undefined) this.#host.renewed(this.#reign, mark);",
        replace: "if (mark !== undefined) this.#host.renewed(this.#reign, this.#host.mark());",
      },
    ],
    caughtBy: ["14", "15"],
  },
  {
    name: "the lease lasts longer than the refusal to vote",
    rule: "Q2",
    profile: "leases",
    edits: [
      {
        file: "node/raft-tenure.ts",
        find: "return (electionTicks - 1) * heartbeatMs * (1 - drift) - MARGIN_MS;",
        replace: "return (electionTicks + 2) * heartbeatMs * (1 + drift) - MARGIN_MS;",
      },
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
    name: "reads without a round",
    rule: "Q1",
    profile: "divergence",
    edits: [
      {
        file: "node/replica-settings.ts",
        find: 'readOnlyOption: "ReadOnlySafe"',
        replace: 'readOnlyOption: "ReadOnlyLeaseBased"',
      },
    ],
    caughtBy: ["13", "15"],
  },
  {
    name: "an advance of another epoch is taken",
    rule: "S3",
    edits: [
      {
        file: replica,
        find: "if (this.#reign !== undefined && epochOfTerm(this.#reign) === epoch) {",
        replace: "if (this.#reign !== undefined) {",
      },
      {
        file: "node/machine/machine.ts",
        find: 'if (command.epoch !== current) return { kind: "fenced", epoch: current };',
        replace: "",
      },
    ],
    caughtBy: ["13"],
  },
  {
    name: "the high-water is set instead of raised",
    rule: "S1",
    edits: [
      {
        file: "node/machine/machine.ts",
        find: "if (command.atLeast > this.#highWater) this.#highWater = command.atLeast;",
        replace: "this.#highWater = command.atLeast;",
      },
    ],
    caughtBy: ["8", "13"],
  },
  {
    name: "a reign is told of before its no-op is applied",
    rule: "S4",
    edits: [
      {
        file: replica,
        find: "if (this.#readyTerm !== undefined && this.#reign === undefined) this.#beginReign(this.#readyTerm);",
        replace: "if (this.#isLeader && this.#reign === undefined) this.#beginReign(this.#term);",
      },
    ],
    caughtBy: ["S4", "panic"],
  },
  {
    name: "a removed id comes back",
    rule: "M6",
    profile: "members",
    edits: [
      {
        file: "node/machine/machine.ts",
        find: "if (this.#removed.has(member.id) || this.#members.has(member.id)) return false;",
        replace: "",
      },
      {
        file: "node/membership-request.ts",
        find: "  if (machine.wasRemoved(member.id)) {\n",
        replace: "  if (member.id < 0) {\n",
      },
    ],
    caughtBy: ["12"],
  },
  {
    name: "the lease is kept while leadership is handed over",
    rule: "E12",
    profile: "divergence",
    edits: [
      {
        file: replica,
        find: '    this.#endReign({ role: "unknown", term: this.#term });\n    this.#node.transferLeader(to);\n',
        replace: "    this.#node.transferLeader(to);\n",
      },
    ],
    caughtBy: ["E12", "14", "15"],
  },
  {
    name: "a leader reigns again after a transfer that came to nothing",
    rule: "E12",
    profile: "divergence",
    edits: [
      {
        file: replica,
        find: "      this.abdicate();\n    }\n",
        replace: "      this.#handedOver = undefined;\n      this.#beginReign(this.#term);\n    }\n",
      },
    ],
    caughtBy: ["13", "14"],
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
    name: "counters are left out of snapshots",
    rule: "E13",
    edits: [
      {
        file: "node/machine/machine.ts",
        find: "record.list(counters, ([key, next]) =>",
        replace: "record.list([] as typeof counters, ([key, next]) =>",
      },
    ],
    caughtBy: ["13", "6"],
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
    name: "the log is never shortened",
    rule: "E13",
    edits: [
      {
        file: "node/applied-state.ts",
        find: "if (upTo >= storage.firstIndex()) storage.compact(upTo);",
        replace: "if (upTo < 0) storage.compact(upTo);",
      },
    ],
    caughtBy: ["16"],
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
