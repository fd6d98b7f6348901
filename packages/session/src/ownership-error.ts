// SPDX-License-Identifier: Apache-2.0

/**
 * Why a wish to own is refused. Nothing changed. The `cause` tells operators more than the frozen label does,
 * and takes no part in it.
 *
 * - `stale_owner`: a newer owner exists; whoever asked has been deposed and drops the session
 * - `split_brain`: two owners claim one epoch; an alarm. `reused_epoch`: with the right token, so the epoch was
 *   handed out twice. `forged_claim`: with a wrong one
 * - `invalid_token`: the token does not belong to this session, owner and epoch. `forged_token`: among plain
 *   tokens; `wrong_hmac`: made with another secret, or with none
 *
 * Source: `fencing-quorum-sessions.md` 4.1 and 4.3.
 */
export type OwnershipError =
  | { readonly kind: "stale_owner"; readonly currentEpoch: bigint; readonly requestedEpoch: bigint }
  | {
      readonly kind: "split_brain";
      readonly currentOwner: string;
      readonly requestedOwner: string;
      readonly epoch: bigint;
      readonly cause: "reused_epoch" | "forged_claim";
    }
  | {
      readonly kind: "invalid_token";
      readonly owner: string;
      readonly epoch: bigint;
      readonly cause: "forged_token" | "wrong_hmac";
    };
