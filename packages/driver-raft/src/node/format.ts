// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from "node:fs";
import { DEFAULT_SEQ_KEY_CAP, type PeerEndpoint } from "@tsoracle/core";
import { formatStorage } from "../storage/format.ts";
import { readIdentity } from "../storage/open-storage.ts";
import { RealDirectory } from "../storage/real-directory.ts";
import { decodeGenesis, encodeGenesis, genesisDigest, genesisSnapshot } from "./genesis.ts";

/** A member as it is listed before its disk is known. */
export interface FirstMember {
  readonly id: number;
  /** Where the other members reach it. */
  readonly peerEndpoint: PeerEndpoint;
  /** Where clients reach it. */
  readonly clientEndpoint: PeerEndpoint;
  /** Where operators reach it, if they can. */
  readonly adminEndpoint?: PeerEndpoint | undefined;
}

/** The whole state is one snapshot and one message between peers; with more keys it would not fit them. */
export const MAX_SEQ_KEY_CAP = 50_000;

export interface FormatRaftOptions {
  /** Empty or missing; it is made. On a local disk. */
  readonly directory: string;
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly clusterId: string;
  /** Never used before in this cluster (M6). @defaultValue random, 53 bits */
  readonly nodeId?: number | undefined;
  /** All members of a new cluster, this node among them, the same list on each; left out for a node that joins one. */
  readonly firstMembers?: readonly FirstMember[] | undefined;
  /** Most sequence keys of the cluster, up to 50000. @defaultValue 10000 */
  readonly seqKeyCap?: number | undefined;
}

/** Who a directory belongs to. */
export interface RaftIdentity {
  readonly clusterId: string;
  readonly nodeId: number;
  /** What `addLearner` must name for a node that joins. */
  readonly storageId: string;
  /** What the first members compare when they meet; empty for a node that joins. */
  readonly genesis: string;
  readonly firstMembers: readonly FirstMember[];
}

/**
 * Prepares a directory for one node, once in its life (I1). Starting never does: a node that lost its
 * disk has forgotten votes and entries, and must be replaced under a new id.
 *
 * @throws TypeError for bad options, StorageError `already_formatted` or `io`; nothing usable is left then.
 */
export function formatRaftDirectory(options: FormatRaftOptions): RaftIdentity {
  const { firstMembers, clusterId, nodeId, seqKeyCap = DEFAULT_SEQ_KEY_CAP } = options;
  if (!Number.isSafeInteger(seqKeyCap) || seqKeyCap < 1 || seqKeyCap > MAX_SEQ_KEY_CAP) {
    throw new TypeError(`seqKeyCap: expected a whole number in 1..=${MAX_SEQ_KEY_CAP}, got ${String(seqKeyCap)}`);
  }
  const genesis = firstMembers === undefined ? new Uint8Array() : genesisOf(firstMembers, nodeId, seqKeyCap);
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  formatStorage(new RealDirectory(options.directory), {
    clusterId,
    nodeId,
    genesis,
    ...(firstMembers === undefined ? {} : { initialSnapshot: genesisSnapshot(genesis, seqKeyCap) }),
  });
  return readRaftIdentity(options.directory);
}

/** @throws StorageError `not_formatted`, `damaged`. */
export function readRaftIdentity(directory: string): RaftIdentity {
  const { clusterId, nodeId, storageId, genesis } = readIdentity(new RealDirectory(directory));
  const firstMembers = decodeGenesis(genesis).map(({ storageId: _unknown, ...member }) => member);
  return { clusterId, nodeId, storageId, genesis: genesisDigest(genesis), firstMembers };
}

function genesisOf(members: readonly FirstMember[], nodeId: number | undefined, seqKeyCap: number): Uint8Array {
  if (nodeId === undefined || !members.some(({ id }) => id === nodeId)) {
    const ids = members.map(({ id }) => id).join(", ");
    throw new TypeError(`nodeId: expected one of the first members ${ids}, got ${String(nodeId)}`);
  }
  return encodeGenesis(members, seqKeyCap);
}
