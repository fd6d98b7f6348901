// SPDX-License-Identifier: Apache-2.0
import { checkEpoch, type EpochBits } from "./epoch-domain.ts";
import { checkId } from "./node-id.ts";

/** Who holds a fence: an epoch, and the one owner that it is bound to. */
export interface FenceRecord {
  readonly epoch: bigint;
  readonly owner: string;
}

/** A claim that a fence does not let through. `split_brain` means a reused or forged epoch: raise an alarm. */
export type FenceRefusal =
  | { readonly ok: false; readonly kind: "stale"; readonly current: bigint }
  | { readonly ok: false; readonly kind: "split_brain"; readonly currentOwner: string };

/** `advanced` says that the fence moved to this epoch and owner with this very claim. */
export type FenceVerdict = { readonly ok: true; readonly advanced: boolean } | FenceRefusal;

/**
 * The one rule of every sink: a higher epoch takes over, the same epoch and owner passes, the same
 * epoch with another owner is a split brain, a lower epoch is stale. A fence that nobody holds yet is
 * taken by any claim. Pure; it moves nothing. Source: `fencing-quorum-sessions.md` 3.3.
 */
export function judgeClaim(held: FenceRecord | undefined, claim: FenceRecord): FenceVerdict {
  if (held === undefined || claim.epoch > held.epoch) return { ok: true, advanced: true };
  if (claim.epoch < held.epoch) return { ok: false, kind: "stale", current: held.epoch };
  if (claim.owner !== held.owner) return { ok: false, kind: "split_brain", currentOwner: held.owner };
  return { ok: true, advanced: false };
}

/**
 * A claim made of checked parts.
 *
 * @throws FenceValueError `epoch_out_of_range`, `id_invalid`.
 */
export function fenceRecord(epoch: bigint, owner: string, bits: EpochBits): FenceRecord {
  return Object.freeze({ epoch: checkEpoch(epoch, bits), owner: checkId(owner, "an owner") });
}
