// SPDX-License-Identifier: Apache-2.0

const MARGIN_MS = 500;

/** A window lasts longer than a tenure, so that it does not run out while a renewal is late. */
export function windowForTenure(windowAheadMs: number, tenureMs: number): number {
  return Math.max(windowAheadMs, tenureMs + MARGIN_MS);
}
