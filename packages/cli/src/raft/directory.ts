// SPDX-License-Identifier: Apache-2.0
import { type RaftIdentity, readRaftIdentity } from "@tsoracle/driver-raft";
import { CliError, oneLine } from "../cli-error.ts";

/**
 * Whose directory it is. An empty or missing one never starts, because a node that lost its disk has forgotten what it
 * voted for (I1); the refusal is the command that would prepare it.
 *
 * @throws CliError `failed`
 */
export function identityOf(directory: string, id: number): RaftIdentity {
  const identity = read(directory, id);
  if (identity.nodeId !== id) {
    throw new CliError(
      "failed",
      `${directory} was formatted for node ${identity.nodeId} of cluster ${identity.clusterId}: expected --id ` +
        `${identity.nodeId}, or the directory of node ${id}`,
    );
  }
  return identity;
}

function read(directory: string, id: number): RaftIdentity {
  try {
    return readRaftIdentity(directory);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOENT" && code !== "not_formatted") throw new CliError("failed", oneLine(error), { cause: error });
    const format = `tsoracle raft format --raft-dir ${directory} --cluster-id CLUSTER --id ${id}`;
    throw new CliError(
      "failed",
      `${directory} is not formatted, and nothing was written. For a new cluster: ${format} ` +
        `--members 1=PEER/CLIENT,2=PEER/CLIENT,3=PEER/CLIENT (the same list on each). For a node that joins one: ${format} ` +
        "--join. If a node lost its disk: remove it from the cluster, and format a new one under a new id",
      { cause: error },
    );
  }
}
