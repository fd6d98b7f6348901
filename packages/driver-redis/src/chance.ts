// SPDX-License-Identifier: Apache-2.0

/** A number from 0 up to but not including 1. Spreads polls, candidacies and reconnects; nothing is safe by it. */
export type Chance = () => number;

export const systemChance: Chance = () => Math.random();
