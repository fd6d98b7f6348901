// SPDX-License-Identifier: Apache-2.0
// What the answers of etcd mean (`raft.md` 3.3). Pure; an answer that never came is not here: its outcome is unknown.
import type { PhysicalMs } from "@tsoracle/core";
import { decodeHighWater } from "./records.ts";
import type { Claim } from "./transactions.ts";
import type { KeyValue, RangeResponse, TxnResponse } from "./wire/messages.ts";

/** Why a fenced transaction did nothing. */
export type Refusal =
  /** Definite: this candidacy is over. */
  | { readonly kind: "fenced" }
  /** The register is not the one that was bound to; needs the operator. */
  | { readonly kind: "replaced"; readonly found: bigint | undefined }
  /** The fence holds, so another comparison failed; the high-water of that moment. */
  | { readonly kind: "unmet"; readonly highWater: PhysicalMs };

export type Loaded = { readonly kind: "ok"; readonly highWater: PhysicalMs } | Exclude<Refusal, { kind: "unmet" }>;
export type Persisted = Loaded;

/** The key that a range at this place of the answer found. */
export function found(response: TxnResponse, index: number): KeyValue | undefined {
  return response.responses[index]?.range?.kvs[0];
}

/** T1: the epoch that the candidacy has, whether this answer or an earlier one brought it about. */
export function campaignedEpoch(response: TxnResponse): bigint | undefined {
  return response.succeeded ? response.header.revision : found(response, 0)?.createRevision;
}

/** T2: the candidate to wait for; undefined when it is this one's turn. */
export function predecessor(response: RangeResponse): KeyValue | undefined {
  return response.kvs[0];
}

/** The failure branch of T3, T4 and every other fenced transaction. */
export function refusal(response: TxnResponse, claim: Claim, hwRev: bigint): Refusal {
  const [candidate, register] = [found(response, 0), found(response, 1)];
  // The register first: where it was replaced, being superseded is the smaller news.
  if (register === undefined || register.createRevision !== hwRev) {
    return { kind: "replaced", found: register?.createRevision };
  }
  if (candidate === undefined || candidate.createRevision !== claim.epoch) return { kind: "fenced" };
  return { kind: "unmet", highWater: decodeHighWater(register.value).highWater };
}

/** T3. @throws ConsensusError `permanent` for a register that this driver did not write */
export function loaded(response: TxnResponse, claim: Claim, hwRev: bigint): Loaded {
  const register = response.succeeded ? found(response, 0) : undefined;
  if (register !== undefined) return { kind: "ok", highWater: decodeHighWater(register.value).highWater };
  return definite(refusal(response, claim, hwRev));
}

/** T4. @throws ConsensusError `permanent` for a register that this driver did not write */
export function persisted(response: TxnResponse, claim: Claim, hwRev: bigint, atLeast: PhysicalMs): Persisted {
  if (response.succeeded) return { kind: "ok", highWater: atLeast };
  const why = refusal(response, claim, hwRev);
  // What is there is at least what was asked for: an earlier try, or a larger one, has been carried out.
  if (why.kind === "unmet" && why.highWater >= atLeast) return { kind: "ok", highWater: why.highWater };
  return definite(why);
}

function definite(why: Refusal): Exclude<Refusal, { kind: "unmet" }> {
  if (why.kind !== "unmet") return why;
  throw new TypeError("etcd refused a transaction although every comparison in it holds");
}
