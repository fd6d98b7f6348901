// SPDX-License-Identifier: Apache-2.0
import { FAULT_CLASSES, type FaultClass } from "./fault.ts";

/** Of the three nodes, 0 is the primary. */
export type NodeIndex = 0 | 1 | 2;

/** What happens in one cycle, and when. */
export interface CyclePlan {
  readonly cycle: number;
  readonly fault: FaultClass;
  /** The fault begins when so many writes have been answered; 0 is before the first. */
  readonly afterAnswers: number;
  /** Whom it hits. */
  readonly victim: NodeIndex;
  /** How wrong the victim states its time to be; 0 unless that is the fault. Milliseconds. */
  readonly skewMs: number;
}

/** Fewer would leave none to begin after the fault has. */
export const WRITES_MIN = 10;

/** Larger than the 30 s from which the writer warns. */
const SKEW_MS = { least: 31_000, most: 3_600_000 };

/**
 * One seed gives one plan, whatever else is run. Victims take turns, so that three cycles in a row hit every node that
 * the fault can hit.
 *
 * @param cycle from 1 on
 */
export function planCycle(fault: FaultClass, seed: number, cycle: number, writes: number): CyclePlan {
  const draw = drawsOf(seed, FAULT_CLASSES.indexOf(fault), cycle);
  const turn = (seed % 6) + cycle;
  const afterAnswers = 1 + draw(Math.floor(writes / 2));
  switch (fault) {
    case "kill_primary_mid_write":
      return { cycle, fault, afterAnswers, victim: 0, skewMs: 0 };
    case "partition_minority":
      return { cycle, fault, afterAnswers, victim: (turn % 3) as NodeIndex, skewMs: 0 };
    case "drop_random_acks":
      return { cycle, fault, afterAnswers, victim: draw(2) === 0 ? 1 : 2, skewMs: 0 };
    case "clock_skew_peer": {
      const size = SKEW_MS.least + draw(SKEW_MS.most - SKEW_MS.least);
      return { cycle, fault, afterAnswers: 0, victim: turn % 2 === 0 ? 1 : 2, skewMs: draw(2) === 0 ? size : -size };
    }
    default:
      return fault satisfies never;
  }
}

/** Whole numbers from 0 up to, not including, the bound; splitmix32 over a mix of the three numbers. */
function drawsOf(seed: number, kind: number, cycle: number): (bound: number) => number {
  let state = (Math.imul(seed, 0x9e37_79b1) ^ Math.imul(kind + 1, 0x85eb_ca6b) ^ Math.imul(cycle, 0xc2b2_ae35)) >>> 0;
  return (bound) => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0_aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a_2d97);
    mixed ^= mixed >>> 15;
    return Math.floor(((mixed >>> 0) / 0x1_0000_0000) * bound);
  };
}
