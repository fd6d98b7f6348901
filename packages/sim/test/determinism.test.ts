// SPDX-License-Identifier: Apache-2.0
import * as subject from "@tsoracle/driver-raft/simulation";
import { describe, expect, it } from "vitest";
import { planCase } from "../src/plan.ts";
import { runCase } from "../src/run-case.ts";

describe("a simulated case (invariant 17)", { timeout: 120_000 }, () => {
  it("gives the same trace for the same seed, recorded or not", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const plan = planCase(seed);
      const first = runCase(subject, plan);
      expect(runCase(subject, plan, true)).toMatchObject({ hash: first.hash, steps: first.steps });
    }
  });

  it("gives another trace for another seed", () => {
    const hashes = [11, 12, 13, 14, 15].map((seed) => runCase(subject, planCase(seed)).hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it("keeps the faults that are asked for as they were", () => {
    const whole = planCase(3);
    const kept = planCase(3, { keep: [1] });
    expect(kept.faults).toEqual(whole.faults.filter(({ number }) => number === 1));
    expect({ ...kept, faults: [] }).toEqual({ ...whole, faults: [] });
  });
});
