// SPDX-License-Identifier: Apache-2.0
import { type LeaseRules, soundRules } from "../lease-world.ts";

/** Counts a renewal from the arrival of its reply. */
export const renewedAtReply: LeaseRules = { ...soundRules, renewed: (keeper) => keeper.renewed(keeper.mark()) };

/** Counts the wait from the sending of the write that raised the epoch. */
export const waitsFromSend: LeaseRules = { ...soundRules, base: ({ sent, seenAt }) => seenAt ?? sent };

/** Does not wait when it has watched nothing. */
export const skipsTheWait: LeaseRules = { ...soundRules, base: ({ seenAt }) => seenAt ?? -1_000_000 };
