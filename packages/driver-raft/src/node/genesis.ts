// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { DEFAULT_SEQ_KEY_CAP } from "@tsoracle/core";
import type { NodeId, Snapshot } from "../raft/types.ts";
import { RecordReader, RecordWriter } from "./machine/codec.ts";
import { Machine } from "./machine/machine.ts";
import { checkMember, type MemberRecord } from "./machine/member.ts";

/** The log of every first member begins behind this entry, which none of them wrote. */
const GENESIS_INDEX = 1;
const GENESIS_TERM = 1;

/**
 * The list of first members in its one form: by id, without storage ids, which nobody knows yet. With the cap on sequence
 * keys, since members with different caps would carry out one command in different ways.
 *
 * @throws TypeError for an empty list, an id or an address that stands twice, or a bad address.
 */
export function encodeGenesis(
  members: readonly Omit<MemberRecord, "storageId">[],
  seqKeyCap: number = DEFAULT_SEQ_KEY_CAP,
): Uint8Array {
  const sorted = [...members]
    .sort((a, b) => a.id - b.id)
    .map((member) => checkMember({ ...member, storageId: undefined }));
  if (sorted.length === 0) throw new TypeError("expected at least one first member");
  for (const [index, { id, peerEndpoint }] of sorted.entries()) {
    if (sorted[index + 1]?.id === id) throw new TypeError(`member id ${id} stands twice in the list of first members`);
    const twin = sorted.find((other) => other.id !== id && other.peerEndpoint === peerEndpoint);
    if (twin !== undefined)
      throw new TypeError(`members ${id} and ${twin.id} have the same peer address ${peerEndpoint}`);
  }
  const record = new RecordWriter();
  return record
    .list(sorted, (member) => record.member(member))
    .number(seqKeyCap)
    .finish();
}

/** @throws MachineFormatError */
export function decodeGenesis(genesis: Uint8Array): readonly MemberRecord[] {
  if (genesis.length === 0) return [];
  const record = new RecordReader(genesis, "list of first members");
  const members = record.list(() => record.member());
  // The cap is for the digest; the state that it was made with holds it.
  record.number();
  record.end();
  return members;
}

/** What nodes compare when they meet; empty for a node that was formatted to join. */
export function genesisDigest(genesis: Uint8Array): string {
  return genesis.length === 0 ? "" : createHash("sha256").update(genesis).digest("hex").slice(0, 32);
}

/** The state that every first member begins with, the same on all of them. */
export function genesisSnapshot(genesis: Uint8Array, seqKeyCap: number): Snapshot {
  const members = decodeGenesis(genesis);
  const voters: readonly NodeId[] = members.map(({ id }) => id);
  return {
    data: new Machine(members, seqKeyCap).encode(),
    metadata: {
      index: GENESIS_INDEX,
      term: GENESIS_TERM,
      confState: { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
    },
  };
}
