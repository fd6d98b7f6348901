// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { Epoch, GrantRefusal } from "@tsoracle/core";
import { MAX_TIMESTAMPS_PER_RPC, PHYSICAL_MS_MAX } from "@tsoracle/core";
import { Code, RpcError } from "./status.ts";

/** What a failed driver call means for the reign under which it was made (`tsoracle-behaviour.md` 2.5). */
export type Disposition =
  /** A newer reign exists, or may: stop serving under this one. */
  | { readonly kind: "stepped_down"; readonly fencedBy: Epoch | undefined }
  /** Try again later under the same epoch. */
  | { readonly kind: "transient"; readonly error: ConsensusError }
  /** Stop and report: going on would be a guess. */
  | { readonly kind: "permanent"; readonly error: ConsensusError }
  /** The reign stands; this one request was refused. */
  | { readonly kind: "refused"; readonly error: ConsensusError };

/** The disposition of any failure. What is not a `ConsensusError` is a defect of the driver and permanent. */
export function dispositionOf(failure: unknown): Disposition {
  const error = ConsensusError.from(failure);
  switch (error.code) {
    case "not_leader":
    case "fenced":
      return { kind: "stepped_down", fencedBy: error.currentEpoch };
    case "transient":
    case "uncertain":
      return { kind: "transient", error };
    case "permanent":
    case "out_of_range":
    case "closed":
      return { kind: "permanent", error };
    case "seq_cardinality_exceeded":
    case "seq_overflow":
    case "dense_not_activated":
    case "dense_batch_not_activated":
    case "leases_not_activated":
      return { kind: "refused", error };
    default:
      return error.code satisfies never;
  }
}

/**
 * The status of a failed driver call that is not a step-down. `operation` says what failed, as
 * `persist`, `persist leases` or `advance sequences`.
 */
export function statusOf(error: ConsensusError, operation: string): RpcError {
  switch (error.code) {
    case "transient":
    case "uncertain":
    case "closed":
      return new RpcError(Code.UNAVAILABLE, `${operation}: ${error.message}`);
    case "seq_cardinality_exceeded":
      return new RpcError(Code.RESOURCE_EXHAUSTED, `dense key cardinality cap reached: ${error.message}`);
    case "seq_overflow":
      return new RpcError(Code.FAILED_PRECONDITION, `dense counter overflow: ${error.message}`);
    case "dense_not_activated":
      return new RpcError(Code.FAILED_PRECONDITION, `dense sequences are not yet activated: ${error.message}`);
    case "dense_batch_not_activated":
      return new RpcError(Code.FAILED_PRECONDITION, `dense sequence batches are not yet activated: ${error.message}`);
    case "leases_not_activated":
      return new RpcError(Code.FAILED_PRECONDITION, `lease format not yet activated: ${error.message}`);
    case "permanent":
    case "out_of_range":
    case "not_leader":
    case "fenced":
      return new RpcError(Code.INTERNAL, `${operation}: ${error.message}`);
    default:
      return error.code satisfies never;
  }
}

/** The status of a grant that the allocator refused for a reason of the request or the clock. */
export function grantStatus(refusal: Exclude<GrantRefusal, { readonly reason: "not_leader" }>): RpcError {
  switch (refusal.reason) {
    case "invalid_count":
      return new RpcError(
        Code.INVALID_ARGUMENT,
        `invalid count: ${refusal.count}; expected 1 to ${MAX_TIMESTAMPS_PER_RPC}`,
      );
    case "window_exhausted":
      return new RpcError(Code.INTERNAL, "window exhausted");
    case "clock_out_of_range":
      return outOfRange(refusal.nowMs);
    case "physical_ms_out_of_range":
      return outOfRange(refusal.physicalMs);
    default:
      return refusal satisfies never;
  }
}

/** A clock, or what would have to be persisted for it, that no timestamp can hold. */
export function outOfRange(ms: number): RpcError {
  return new RpcError(
    Code.OUT_OF_RANGE,
    `physical milliseconds ${ms} are out of the 46-bit range 0..=${PHYSICAL_MS_MAX}; check the server's clock`,
  );
}
