// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { LeaseClock, type LeaseMark } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { confirmedTenure, leaseTenure, usableLeaseMs } from "../../src/node/raft-tenure.ts";
import { TenureCell } from "../../src/node/tenure-cell.ts";

const markAt = (ms: number): LeaseMark => ({
  monotonicNs: BigInt(ms) * 1_000_000n,
  bootMs: ms + 0.25,
  wallMs: ms + 0.5,
});

/** Writes marks whose three clocks agree, under terms that agree with them, as fast as it can. */
const writer = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData.module).then(({ TenureCell }) => {
    const cell = new TenureCell(workerData.memory);
    parentPort.postMessage("writing");
    for (let at = 1; at <= workerData.count; at++) {
      cell.begin(at);
      cell.renew(at, { monotonicNs: BigInt(at), bootMs: at + 0.5, wallMs: at + 0.5 });
      if (at % 3 === 0) cell.end();
    }
    parentPort.postMessage("written");
  });
`;

describe("the tenure in shared memory", () => {
  it("holds no reign until one begins, and no mark until a round of it is acknowledged", () => {
    const cell = new TenureCell();
    expect(cell.read().term).toBe(0);
    cell.begin(3);
    expect(cell.read()).toEqual({ term: 3, mark: undefined });
    cell.renew(3, markAt(7));
    expect(cell.read()).toEqual({ term: 3, mark: markAt(7) });
    cell.begin(4);
    expect(cell.read()).toEqual({ term: 4, mark: undefined });
  });

  it("shows the end of a reign to every view at once, and takes no renewal of it afterwards", () => {
    const cell = new TenureCell();
    const reader = new TenureCell(cell.memory);
    cell.begin(3);
    cell.renew(3, markAt(7));
    expect(reader.term).toBe(3);
    cell.end();
    expect([reader.term, reader.read().term]).toEqual([0, 0]);
    cell.renew(3, markAt(8));
    expect(reader.read().term).toBe(0);
    cell.begin(4);
    cell.renew(3, markAt(9));
    expect(reader.read()).toEqual({ term: 4, mark: undefined });
  });

  it("is never read in halves while another thread writes", async () => {
    const cell = new TenureCell();
    const module = new URL("../../dist/node/tenure-cell.js", import.meta.url).href;
    const worker = new Worker(writer, { eval: true, workerData: { memory: cell.memory, module, count: 100_000 } });
    // It says when it begins and when it has ended; on a busy machine both may be there before this thread has looked.
    const exited = once(worker, "exit");
    let [said, marks] = [0, 0];
    worker.on("message", () => {
      said += 1;
    });
    while (said < 2) {
      for (let looks = 0; looks < 2_000; looks++) {
        const { term, mark } = cell.read();
        if (mark === undefined || term === 0) continue;
        marks += 1;
        if (Number(mark.monotonicNs) !== term || mark.bootMs !== term + 0.5 || mark.wallMs !== mark.bootMs) {
          throw new Error(`term ${term} with the marks ${mark.monotonicNs}, ${mark.bootMs} and ${mark.wallMs}`);
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(marks).toBeGreaterThan(0);
    await exited;
  });

  it("says that no reign stands, and does not wait for ever, when the writing thread ended in the middle of a write", () => {
    const cell = new TenureCell();
    cell.begin(3);
    cell.renew(3, markAt(7));
    Atomics.add(new BigInt64Array(cell.memory), 0, 1n);
    expect(cell.read()).toEqual({ term: 0, mark: undefined });
    cell.end();
    expect([cell.term, cell.read().term]).toEqual([0, 0]);
  });
});

describe("Q2: how old the newest acknowledged round may be", () => {
  it.each([
    [{ heartbeatMs: 100, electionTicks: 10, drift: 0.1 }, 805],
    [{ heartbeatMs: 100, electionTicks: 10, drift: 0 }, 895],
    [{ heartbeatMs: 10, electionTicks: 5, drift: 0.1 }, 31],
    [{ heartbeatMs: 50, electionTicks: 60, drift: 0.25 }, 2_207.5],
  ])("%j leaves %d ms", (terms, usable) => {
    expect(usableLeaseMs(terms)).toBeCloseTo(usable, 6);
  });

  it("never more than what n ticks of a fast follower last, as a slow leader measures it", () => {
    for (const heartbeatMs of [10, 100, 250]) {
      for (const electionTicks of [5, 10, 50]) {
        for (const drift of [0, 0.05, 0.1, 0.49]) {
          // The first tick may come right after the promise. The follower's clock runs fast by all of the drift.
          const promised = ((electionTicks - 1) * heartbeatMs) / (1 + drift);
          expect(usableLeaseMs({ heartbeatMs, electionTicks, drift })).toBeLessThan(promised);
        }
      }
    }
  });
});

describe("the tenure of a reign", () => {
  function leased(usableMs: number) {
    const now = { monotonicMs: 1_000, bootMs: 5_000, wallMs: 90_000 };
    const clock = new LeaseClock({
      monotonicNs: () => BigInt(now.monotonicMs * 1e6),
      bootMs: () => now.bootMs,
      wallMs: () => now.wallMs,
    });
    const cell = new TenureCell();
    const pass = (ms: number): void => {
      now.monotonicMs += ms;
      now.bootMs += ms;
      now.wallMs += ms;
    };
    return { now, clock, cell, pass, tenure: leaseTenure(3, cell, clock, usableMs) };
  }

  it("Q2: by lease, is valid from the first acknowledged round until it is too old, and again after the next", () => {
    const { clock, cell, pass, tenure } = leased(100);
    cell.begin(3);
    expect(tenure.valid()).toBe(false);
    cell.renew(3, clock.mark());
    expect(tenure.valid()).toBe(true);
    // The boot clock counts in steps of 10 ms, which are counted as passed.
    pass(89);
    expect(tenure.valid()).toBe(true);
    pass(1);
    expect(tenure.valid()).toBe(false);
    cell.renew(3, clock.mark());
    expect(tenure.valid()).toBe(true);
  });

  it("Q8: by lease, is over after a suspend that the monotonic clock has not seen", () => {
    const { now, clock, cell, tenure } = leased(100);
    cell.begin(3);
    cell.renew(3, clock.mark());
    now.bootMs += 100;
    expect(tenure.valid()).toBe(false);
  });

  it("Q5: by lease, ends with the reign, however fresh the round was, and another reign does not revive it", () => {
    const { clock, cell, tenure } = leased(100);
    cell.begin(3);
    cell.renew(3, clock.mark());
    cell.end();
    expect(tenure.valid()).toBe(false);
    cell.begin(4);
    cell.renew(4, clock.mark());
    expect(tenure.valid()).toBe(false);
  });

  it("Q1: by confirmation, holds if a majority says so and the reign still stands when it has", async () => {
    const cell = new TenureCell();
    let answer: (value: boolean) => void = () => undefined;
    const tenure = confirmedTenure(3, cell, () => new Promise((resolve) => (answer = resolve)));
    cell.begin(3);
    expect(tenure.valid()).toBe(true);
    const first = tenure.confirm?.();
    answer(true);
    expect(await first).toBe(true);
    const second = tenure.confirm?.();
    answer(false);
    expect(await second).toBe(false);
    const third = tenure.confirm?.();
    answer(true);
    cell.end();
    expect(await third).toBe(false);
    expect(tenure.valid()).toBe(false);
  });
});
