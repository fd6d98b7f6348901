// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { StorageError } from "../storage/storage-error.ts";
import { refuseRoutablePlaintext } from "../transport/routable.ts";
import { OpenRaftDriver, type RaftDriver } from "./driver.ts";
import { readRaftIdentity } from "./format.ts";
import { checkOptions, type RaftDriverConfig, type RaftDriverOptions, splitAddress } from "./options.ts";

/**
 * Opens the node that lives in a formatted directory: binds the peers' address, takes part in elections
 * and replication, and resolves when that has begun. It leads when a majority agrees, not when this resolves.
 *
 * @throws TypeError for bad options; nothing was opened then.
 * @throws ConsensusError `permanent` when the directory is not formatted, damaged or in use, or when the
 * address cannot be bound. Nothing is left open.
 */
export async function openRaftDriver(options: RaftDriverOptions): Promise<RaftDriver> {
  const config = checkOptions(options);
  return await OpenRaftDriver.open(config, listenAddress(config));
}

/** What was asked for, or the address under which the first members know this node. */
function listenAddress(config: RaftDriverConfig): { readonly host: string; readonly port: number } {
  if (config.listen !== undefined) return config.listen;
  const { nodeId, firstMembers } = identityOf(config.directory);
  const self = firstMembers.find(({ id }) => id === nodeId);
  if (self === undefined) {
    throw new TypeError(
      "listen: expected the peers' address host:port of this node, which its directory does not name",
    );
  }
  const address = splitAddress("listen", self.peerEndpoint);
  if (config.tls === undefined) refuseRoutablePlaintext(address.host, config.allowInsecurePeer);
  return address;
}

function identityOf(directory: string): ReturnType<typeof readRaftIdentity> {
  try {
    return readRaftIdentity(directory);
  } catch (error) {
    if (error instanceof StorageError) throw new ConsensusError("permanent", error.message, { cause: error });
    throw error;
  }
}
