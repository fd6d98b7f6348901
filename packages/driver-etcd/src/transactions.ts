// SPDX-License-Identifier: Apache-2.0
// The transactions of `raft.md` 3.3, as requests. What their answers mean is in outcomes.ts.
import type { OracleKeys } from "./keys.ts";
import { be64, encodeHighWater } from "./records.ts";
import {
  type Compare,
  EQUAL,
  GREATER,
  LESS,
  type RangeRequest,
  type RequestOp,
  SORT_ASCEND,
  SORT_BY_CREATE,
  SORT_DESCEND,
  TARGET_CREATE,
  TARGET_MOD,
  TARGET_VALUE,
  type TxnRequest,
} from "./wire/messages.ts";

/** A candidacy: its key and the create revision of that key, which is its epoch. */
export interface Claim {
  readonly key: Uint8Array;
  readonly epoch: bigint;
  readonly leaseId: bigint;
}

export const range = (key: Uint8Array): RequestOp => ({ range: { key } });
export const put = (key: Uint8Array, value: Uint8Array, lease?: bigint): RequestOp => ({ put: { key, value, lease } });

const created = (key: Uint8Array, createRevision: bigint): Compare => ({
  result: EQUAL,
  target: TARGET_CREATE,
  key,
  createRevision,
});

export const unmodified = (key: Uint8Array, modRevision: bigint): Compare => ({
  result: EQUAL,
  target: TARGET_MOD,
  key,
  modRevision,
});

/** "K still exists at my create revision" is the whole fence; the register must also be the one that was bound to. */
export function fence(keys: OracleKeys, claim: Claim, hwRev: bigint): readonly Compare[] {
  return [created(claim.key, claim.epoch), created(keys.highWater, hwRev)];
}

/** T0 with what belongs to the oracle beside its register. */
export function t0Bootstrap(keys: OracleKeys, initial: number, beside: readonly RequestOp[]): TxnRequest {
  return {
    compare: [created(keys.highWater, 0n)],
    success: [put(keys.highWater, encodeHighWater(initial, 0n)), ...beside],
    failure: [range(keys.highWater), range(keys.settings)],
  };
}

/** T1: campaign. Sending it again with the same lease finds the same key. */
export function t1Campaign(key: Uint8Array, identity: Uint8Array, leaseId: bigint): TxnRequest {
  return { compare: [created(key, 0n)], success: [put(key, identity, leaseId)], failure: [range(key)] };
}

/** T2: the youngest candidate that is older than this one. */
export function t2Predecessor(keys: OracleKeys, epoch: bigint): RangeRequest {
  return {
    key: keys.candidates.from,
    rangeEnd: keys.candidates.to,
    maxCreateRevision: epoch - 1n,
    sortTarget: SORT_BY_CREATE,
    sortOrder: SORT_DESCEND,
    limit: 1n,
  };
}

/** L6: the oldest candidate, which leads or is about to. */
export function oldestCandidate(keys: OracleKeys): RangeRequest {
  return {
    key: keys.candidates.from,
    rangeEnd: keys.candidates.to,
    sortTarget: SORT_BY_CREATE,
    sortOrder: SORT_ASCEND,
    limit: 1n,
  };
}

const whyNot = (keys: OracleKeys, claim: Claim): readonly RequestOp[] => [range(claim.key), range(keys.highWater)];

/** T3: load under the fence. Both branches read, because etcd answers a transaction without any operation from the past. */
export function t3Load(keys: OracleKeys, claim: Claim, hwRev: bigint): TxnRequest {
  return {
    compare: fence(keys, claim, hwRev),
    success: [range(keys.highWater)],
    failure: whyNot(keys, claim),
  };
}

/**
 * T4: persist. The eight bytes compared are a prefix of the sixteen stored where both are equal, and the longer is the
 * greater: "not less", which is right.
 */
export function t4Persist(keys: OracleKeys, claim: Claim, hwRev: bigint, atLeast: number): TxnRequest {
  return {
    compare: [
      ...fence(keys, claim, hwRev),
      { result: LESS, target: TARGET_VALUE, key: keys.highWater, value: be64(atLeast) },
    ],
    success: [put(keys.highWater, encodeHighWater(atLeast, claim.epoch))],
    failure: whyNot(keys, claim),
  };
}

/** T5: resign. `release`, where it may be said, tells the successor in the same step that there is nothing to wait for. */
export function t5Resign(keys: OracleKeys, claim: Claim, release: Uint8Array | undefined): TxnRequest {
  return {
    compare: [created(claim.key, claim.epoch)],
    success: [{ deleteRange: { key: claim.key } }, ...(release === undefined ? [] : [put(keys.reign, release)])],
    failure: [],
  };
}

/** Reads, under the fence of T3, what the last reign left behind. */
export function readReign(keys: OracleKeys, claim: Claim, hwRev: bigint): TxnRequest {
  return { compare: fence(keys, claim, hwRev), success: [range(keys.reign)], failure: whyNot(keys, claim) };
}

/** Writes something of this reign's own under the fence, if it is still what was read; `conditions` says what. */
export function fencedWrite(
  keys: OracleKeys,
  claim: Claim,
  hwRev: bigint,
  conditions: readonly Compare[],
  writes: readonly RequestOp[],
): TxnRequest {
  return {
    compare: [...fence(keys, claim, hwRev), ...conditions],
    success: writes,
    failure: whyNot(keys, claim),
  };
}

/** Holds if nobody stands for election. A range that is empty compares as if its create revision were zero. */
export function nobodyStands(keys: OracleKeys): Compare {
  return { ...created(keys.candidates.from, 0n), rangeEnd: keys.candidates.to };
}

/**
 * The register holds at least this high-water. The eight bytes compared are a prefix of the sixteen stored where both are
 * equal, and the longer is the greater.
 */
export function covers(keys: OracleKeys, highWater: number): Compare {
  return { result: GREATER, target: TARGET_VALUE, key: keys.highWater, value: be64(highWater) };
}

/** The register is the one of this create revision. */
export function sameRegister(keys: OracleKeys, hwRev: bigint): Compare {
  return created(keys.highWater, hwRev);
}
