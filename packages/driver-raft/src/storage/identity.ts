// SPDX-License-Identifier: Apache-2.0
import { DecodeError } from "./bytes.ts";
import { type SealedKind, seal, unseal } from "./sealed.ts";
import type { Identity } from "./storage.ts";
import { StorageError } from "./storage-error.ts";

export const IDENTITY_FILE = "IDENTITY";
export const MAX_GENESIS_BYTES: number = 64 * 1024;

const kind: SealedKind = { magic: "TSRI", version: 1 };
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** `"TSRI" | u32 version | cluster id | storage id | u64 node id | u32 n | n bytes of genesis | u32 crc`. */
export function encodeIdentity({ clusterId, nodeId, storageId, genesis }: Identity): Uint8Array {
  const size = 1 + clusterId.length + 1 + storageId.length + 8 + 4 + genesis.length;
  return seal(kind, size, (writer) => {
    writer.text(clusterId).text(storageId).u64(nodeId).u32(genesis.length).bytes(genesis);
  });
}

/** @throws DecodeError for everything that `encodeIdentity` does not write. */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const reader = unseal(kind, bytes);
  const clusterId = reader.text();
  const storageId = reader.text();
  const nodeId = reader.u64();
  const length = reader.u32();
  if (length !== reader.left) throw new DecodeError(`expected ${length} bytes of genesis, found ${reader.left}`);
  const identity = { clusterId, nodeId, storageId, genesis: reader.bytes(length) };
  const problem = identityProblem(identity);
  if (problem !== undefined) throw new DecodeError(problem);
  return identity;
}

/** @throws StorageError `invalid_option` */
export function checkIdentity(identity: Identity): Identity {
  const problem = identityProblem(identity);
  if (problem === undefined) return identity;
  throw new StorageError("invalid_option", `${problem}; nothing was written`);
}

function identityProblem({ clusterId, nodeId, storageId, genesis }: Identity): string | undefined {
  if (!NAME.test(clusterId)) {
    return `expected a cluster id of 1 to 64 of A-Z a-z 0-9 . _ -, got ${JSON.stringify(clusterId)}`;
  }
  if (!NAME.test(storageId)) {
    return `expected a storage id of 1 to 64 of A-Z a-z 0-9 . _ -, got ${JSON.stringify(storageId)}`;
  }
  if (!Number.isSafeInteger(nodeId) || nodeId < 1) {
    return `expected a node id from 1 to 2^53-1, got ${String(nodeId)}`;
  }
  if (genesis.length > MAX_GENESIS_BYTES) {
    return `expected a genesis of at most ${MAX_GENESIS_BYTES} bytes, got ${genesis.length}`;
  }
  return undefined;
}
