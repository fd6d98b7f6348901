// SPDX-License-Identifier: Apache-2.0
import * as subject from "@tsoracle/driver-raft/simulation";
import { describe, expect, it } from "vitest";
import { planCase } from "../src/plan.ts";
import { runCase } from "../src/run-case.ts";

/**
 * Cases that failed once, and still play what failed then: each must show it. Seeds 1011648 and 1130415 do so no more since
 * first members agree on their disks, which changed who is heard when.
 */
const CASES = [
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
