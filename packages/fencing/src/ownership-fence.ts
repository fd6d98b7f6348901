// SPDX-License-Identifier: Apache-2.0
import { checkEpoch } from "./epoch-domain.ts";
import { FenceValueError } from "./fencing-errors.ts";
import { checkId } from "./node-id.ts";

/** Who owns a thing: the owner, its epoch (64 bits, at least 1), and the token that goes with both. */
export interface OwnershipFence {
  readonly owner: string;
  readonly epoch: bigint;
  readonly token: string;
}

/** A wish to own. Epoch 0 is a legal wish that is below every fence. */
export interface TakeoverRequest {
  readonly owner: string;
  readonly epoch: bigint;
  readonly token: string;
}

/** Why a wish is refused. Nothing changed. */
export type OwnershipRefusal =
  | { readonly kind: "stale_owner"; readonly currentEpoch: bigint; readonly requestedEpoch: bigint }
  | {
      readonly kind: "split_brain";
      readonly currentOwner: string;
      readonly requestedOwner: string;
      readonly epoch: bigint;
    }
  | { readonly kind: "invalid_token"; readonly owner: string; readonly epoch: bigint };

/** `renewed`: the owner had it already, and the fence is unchanged. */
export type TakeoverVerdict =
  | { readonly ok: true; readonly renewed: boolean; readonly fence: OwnershipFence }
  | { readonly ok: false; readonly refusal: OwnershipRefusal };

export interface TakeoverCheck {
  readonly current: OwnershipFence;
  readonly request: TakeoverRequest;
  /** The token that belongs to the *requested* owner and epoch; how it is made is the caller's business. */
  readonly expectedToken: string;
  /** Compares tokens. Where tokens are secrets, pass one that takes the same time for every difference. @defaultValue `===` */
  readonly sameToken?: (given: string, expected: string) => boolean;
}

/**
 * A fence of checked parts.
 *
 * @throws FenceValueError (a RangeError) for an epoch below 1 or above 2^64-1, or an invalid owner.
 */
export function ownershipFence(parts: OwnershipFence): OwnershipFence {
  const { owner, epoch, token } = parts;
  checkId(owner, "an owner");
  checkEpoch(epoch, 64);
  if (epoch < 1n)
    throw new FenceValueError("epoch_out_of_range", `expected the epoch of a fence to be at least 1, got ${epoch}`);
  return Object.freeze({ owner, epoch, token });
}

/**
 * Judges a wish to own, in this order: a lower epoch is stale; the present epoch of another owner is a
 * split brain, whatever the token; a wrong token is invalid; the present owner with the present epoch
 * renews; anything higher takes over, by whomever and however much higher. Pure.
 * Source: `fencing-quorum-sessions.md` 4.3.
 *
 * @throws FenceValueError (a RangeError) for a request without an owner or with an epoch outside 64 bits.
 */
export function judgeTakeover(check: TakeoverCheck): TakeoverVerdict {
  const { current, request, expectedToken } = check;
  checkId(request.owner, "the requested owner");
  checkEpoch(request.epoch, 64);
  const { owner, epoch, token } = request;
  if (epoch < current.epoch) {
    return refused({ kind: "stale_owner", currentEpoch: current.epoch, requestedEpoch: epoch });
  }
  if (epoch === current.epoch && owner !== current.owner) {
    return refused({ kind: "split_brain", currentOwner: current.owner, requestedOwner: owner, epoch });
  }
  const same = check.sameToken ?? ((given, expected) => given === expected);
  if (!same(token, expectedToken)) return refused({ kind: "invalid_token", owner, epoch });
  if (epoch === current.epoch) return { ok: true, renewed: true, fence: current };
  return { ok: true, renewed: false, fence: ownershipFence({ owner, epoch, token }) };
}

function refused(refusal: OwnershipRefusal): TakeoverVerdict {
  return { ok: false, refusal };
}
