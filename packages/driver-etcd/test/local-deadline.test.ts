// SPDX-License-Identifier: Apache-2.0
import { BOOT_CLOCK_RESOLUTION_MS, LeaseClock } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { LocalDeadline } from "../src/local-deadline.ts";

/** Clocks that the test moves. */
class Clocks {
  monotonicMs = 0;
  bootMs = 0;
  wallMs = 0;
  readonly clock: LeaseClock = new LeaseClock({
    monotonicNs: () => BigInt(Math.round(this.monotonicMs * 1e6)),
    bootMs: () => this.bootMs,
    wallMs: () => this.wallMs,
  });

  pass(ms: number): void {
    this.monotonicMs += ms;
    this.bootMs += ms;
    this.wallMs += ms;
  }
}

const USABLE_MS = 2_000 * 0.9 - BOOT_CLOCK_RESOLUTION_MS;

describe("L3: the local deadline of a candidacy", () => {
  it("is the granted TTL less the margin, from before the lease was asked for", () => {
    const clocks = new Clocks();
    const deadline = new LocalDeadline(clocks.clock, 0.1, clocks.clock.mark(), 2n);
    clocks.pass(USABLE_MS - 1);
    expect(deadline.holds()).toBe(true);
    expect(deadline.remainingMs()).toBeCloseTo(1);
    clocks.pass(1);
    expect(deadline.holds()).toBe(false);
  });

  it("counts from the sending of a keep-alive, not from its answer", () => {
    const clocks = new Clocks();
    const deadline = new LocalDeadline(clocks.clock, 0.1, clocks.clock.mark(), 2n);
    clocks.pass(500);
    const sent = clocks.clock.mark();
    clocks.pass(1_000);
    deadline.answered(sent, 2n);
    expect(deadline.remainingMs()).toBeCloseTo(USABLE_MS - 1_000);
  });

  it("is not shortened by an answer that was overtaken, and takes the TTL that was granted last", () => {
    const clocks = new Clocks();
    const early = clocks.clock.mark();
    const deadline = new LocalDeadline(clocks.clock, 0.1, early, 2n);
    clocks.pass(500);
    const late = clocks.clock.mark();
    deadline.answered(late, 3n);
    deadline.answered(early, 1n);
    expect(deadline.ttlMs).toBe(3_000);
    expect(deadline.remainingMs()).toBeCloseTo(3_000 * 0.9 - BOOT_CLOCK_RESOLUTION_MS);
  });

  it("has passed when any clock says so, and when one says nothing", () => {
    for (const clock of ["monotonicMs", "bootMs", "wallMs"] as const) {
      const clocks = new Clocks();
      const deadline = new LocalDeadline(clocks.clock, 0.1, clocks.clock.mark(), 2n);
      clocks[clock] += 2_000;
      expect(deadline.holds(), clock).toBe(false);
    }
    const clocks = new Clocks();
    const deadline = new LocalDeadline(clocks.clock, 0.1, clocks.clock.mark(), 2n);
    clocks.wallMs = Number.NaN;
    expect(deadline.holds()).toBe(false);
  });
});
