// SPDX-License-Identifier: Apache-2.0
import type { Mutant } from "./mutant.ts";

const replica = "node/replica.ts";
const persistThenSend =
  '    this.#persist(ready);\n    for (const message of ready.messages) if (!early || message.type !== "MsgApp") this.#host.send(message);\n';
const sendThenPersist =
  '    for (const message of ready.messages) if (!early || message.type !== "MsgApp") this.#host.send(message);\n    this.#persist(ready);\n';
const hardStateToWrite = "      hardState: isEmptyHardState(hardState) ? undefined : hardState,\n";

/** Wrong nodes: what puts core and storage together, and who may speak. */
export const nodeMutants: readonly Mutant[] = [
  {
    name: "messages leave before the batch is written",
    rule: "P2",
    edits: [{ file: replica, find: persistThenSend, replace: sendThenPersist }],
    caughtBy: ["9"],
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
    name: "a wiped voter is heard on, because it was let in before its disk was known",
    rule: "I3",
    profile: "members",
    edits: [
      {
        file: "transport/peer-registry.ts",
        find: "return storageId === (this.#directory.storageOf(nodeId) ?? storageId);",
        replace: "return storageId !== null;",
      },
    ],
    caughtBy: ["I3"],
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
    name: "no vote embargo after a start",
    rule: "Q4",
    profile: "leases",
    edits: [
      { file: "node/replica-settings.ts", find: "    voteEmbargo: true,\n", replace: "    voteEmbargo: false,\n" },
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
        replace:
          "const early = this.#isLeader && this.#handedOver !== this.#term && [...this.#state.machine.members()].every(({ storageId }) => storageId !== undefined);\n    if (this.#reign === undefined && (early || this.#readyTerm !== undefined)) this.#beginReign(this.#term);",
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
];
