// SPDX-License-Identifier: Apache-2.0
import * as subject from "@tsoracle/driver-raft/simulation";
import { describe, expect, it } from "vitest";
import { planCase } from "../src/plan.ts";
import { runCase } from "../src/run-case.ts";

/** Cases that failed once, while the plan that is drawn from their seed was the same as now. */
const CASES = [
  {
    seed: 1_011_648,
    why: "a lagging node was led by one whose address it had never heard",
    needs: "addresses_heard",
  },
  {
    seed: 1_023_260,
    why: "a node that had not heard of a member took the new disk under its id",
    needs: "wiped_refused_empty",
  },
  { seed: 1_028_325, why: "late greetings of earlier starts were taken for clones", needs: "suspends" },
  {
    seed: 1_008_138,
    why: "a greeting without an address was under way when the address became known",
    needs: "addresses_heard",
  },
  {
    seed: 1_130_415,
    why: "a leader of old got its own lost entry back, and the judge took it for one that overwrites its log",
    needs: "overwrites",
  },
  ...[1_085_983, 1_110_875, 1_136_064].map((seed) => ({
    seed,
    why: "a first member waited for another one that was removed before they had met",
    needs: "members_removed" as const,
  })),
] as const;

describe("simulated cases that failed once", { timeout: 120_000 }, () => {
  it.each(CASES)("seed $seed ($why) breaks no invariant", ({ seed, needs }) => {
    const { violation, counts } = runCase(subject, planCase(seed));
    expect(violation).toBeUndefined();
    expect(counts[needs]).toBeGreaterThan(0);
  });
});
