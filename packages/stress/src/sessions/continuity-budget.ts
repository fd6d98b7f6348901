// SPDX-License-Identifier: Apache-2.0

/**
 * What a takeover is measured against, in milliseconds: the silence of the owner before it, its discovery, and the
 * takeovers of all of its sessions.
 */
export const CONTINUITY_BUDGET_MS = 5_000;
