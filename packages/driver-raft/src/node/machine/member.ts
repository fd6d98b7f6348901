// SPDX-License-Identifier: Apache-2.0
import { type PeerEndpoint, parsePeerEndpoint } from "@tsoracle/core";

/** A member of the cluster as the replicated state knows it. Its role is in the core's configuration. */
export interface MemberRecord {
  /** Positive safe integer, never used again after removal (M6). */
  readonly id: number;
  /** Where the other members reach it. */
  readonly peerEndpoint: PeerEndpoint;
  /** Where clients reach it. */
  readonly clientEndpoint: PeerEndpoint;
  /** Where operators reach it, if they can. */
  readonly adminEndpoint?: PeerEndpoint | undefined;
  /** The disk that belongs to it, 32 hexadecimal digits; absent until a leader has pinned a first member's (I2). */
  readonly storageId: string | undefined;
}

const STORAGE_ID = /^[0-9a-f]{32}$/;

/** @throws TypeError naming what is wrong. */
export function checkMember(member: MemberRecord): MemberRecord {
  const { id, storageId } = member;
  if (!Number.isSafeInteger(id) || id < 1) {
    throw new TypeError(`expected a member id in 1..=2^53-1, got ${String(id)}`);
  }
  for (const key of ["peerEndpoint", "clientEndpoint", "adminEndpoint"] as const) {
    const endpoint = member[key];
    if (endpoint === undefined && key === "adminEndpoint") continue;
    if (endpoint === undefined || !parsePeerEndpoint(endpoint).ok)
      throw new TypeError(`member ${id}: expected ${key} as host:port, got '${String(member[key])}'`);
  }
  if (storageId !== undefined && !STORAGE_ID.test(storageId)) {
    throw new TypeError(`member ${id}: expected a storage id of 32 hexadecimal digits, got '${storageId}'`);
  }
  return member;
}
