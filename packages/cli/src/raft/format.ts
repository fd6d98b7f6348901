// SPDX-License-Identifier: Apache-2.0
import { type FirstMember, formatRaftDirectory, type RaftIdentity } from "@tsoracle/driver-raft";
import { CliError, oneLine } from "../cli-error.ts";
import { printError, printJson, printLine } from "../output.ts";

export interface FormatFlags {
  readonly raftDir: string;
  readonly clusterId: string;
  readonly id?: number;
  readonly members?: readonly FirstMember[];
  readonly join?: true;
  readonly seqKeyCap: number;
  readonly json?: true;
}

/** @throws CliError `usage` for flags that contradict each other; StorageError when the directory cannot be formatted */
export async function formatRaft(flags: FormatFlags): Promise<void> {
  checkFlags(flags);
  const identity = format(flags);
  const { nodeId, clusterId, storageId, firstMembers } = identity;
  if (firstMembers.length === 2) {
    printError("Two members need both of them all the time; three survive the loss of one.");
  }
  if (flags.json) return await printJson({ directory: flags.raftDir, ...identity });
  await printLine(`Formatted ${flags.raftDir} for node ${nodeId} of cluster ${clusterId}, storage ${storageId}`);
  if (flags.join) {
    const addresses = "--raft-addr HOST:PORT --service-endpoint HOST:PORT";
    const command = `add-learner --endpoint HOST:PORT --id ${nodeId} ${addresses} --storage-id ${storageId}`;
    printError(`To let it join: tsoracle admin ${command}`);
  }
}

function checkFlags({ id, members, join }: FormatFlags): void {
  if ((members === undefined) === (join === undefined)) {
    throw new CliError(
      "usage",
      "expected either --members with all first members of a new cluster, or --join for a node of a cluster that exists",
    );
  }
  if (members === undefined) return;
  const ids = members.map((member) => member.id).join(", ");
  if (id === undefined) throw new CliError("usage", `--id is missing: expected one of --members, ${ids}`);
  if (!members.some((member) => member.id === id)) {
    throw new CliError("usage", `--id ${id} is none of --members: expected one of ${ids}`);
  }
}

function format({ raftDir: directory, clusterId, id: nodeId, members, seqKeyCap }: FormatFlags): RaftIdentity {
  try {
    return formatRaftDirectory({ directory, clusterId, nodeId, firstMembers: members, seqKeyCap });
  } catch (error) {
    if (error instanceof TypeError) throw new CliError("usage", oneLine(error), { cause: error });
    throw new CliError("failed", oneLine(error), { cause: error });
  }
}
