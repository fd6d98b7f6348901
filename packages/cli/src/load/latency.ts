// SPDX-License-Identifier: Apache-2.0

/** The value below which the share `q` of the samples lies (nearest rank); NaN without samples. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
