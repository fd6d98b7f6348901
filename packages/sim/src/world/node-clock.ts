// SPDX-License-Identifier: Apache-2.0
import { BOOT_CLOCK_RESOLUTION_MS, type LeaseMark } from "@tsoracle/consensus";

/** A mark that remembers when it was really made. */
export interface TrueMark extends LeaseMark {
  readonly trueMs: number;
}

/** The clocks of one machine: they run at their own rate, and the wall clock may step. */
export class NodeClock {
  readonly rate: number;
  readonly #wallBaseMs: number;
  #suspendedMs = 0;
  #wallStepMs = 0;

  constructor(rate: number, wallBaseMs: number) {
    this.rate = rate;
    this.#wallBaseMs = wallBaseMs;
  }

  /** Stands still while the machine is suspended. */
  monotonicMs(trueMs: number): number {
    return (trueMs - this.#suspendedMs) * this.rate;
  }

  bootMs(trueMs: number): number {
    return Math.floor((trueMs * this.rate) / BOOT_CLOCK_RESOLUTION_MS) * BOOT_CLOCK_RESOLUTION_MS;
  }

  wallMs(trueMs: number): number {
    return this.#wallBaseMs + trueMs * this.rate + this.#wallStepMs;
  }

  mark(trueMs: number): TrueMark {
    const monotonicNs = BigInt(Math.round(this.monotonicMs(trueMs) * 1e6));
    return { monotonicNs, bootMs: this.bootMs(trueMs), wallMs: this.wallMs(trueMs), trueMs };
  }

  stepWall(byMs: number): void {
    this.#wallStepMs += byMs;
  }

  suspended(forMs: number): void {
    this.#suspendedMs += forMs;
  }
}
