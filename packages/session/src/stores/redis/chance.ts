// SPDX-License-Identifier: Apache-2.0

/** From 0 to below 1: for pauses only, never for anything that must be unique. */
export function systemChance(): number {
  return Math.random();
}
