// SPDX-License-Identifier: Apache-2.0
import * as subject from "@tsoracle/driver-raft/simulation";
import { describe, expect, it } from "vitest";
import { unfired } from "../src/counters.ts";
import { mergeRuns, type RunResult, runMany } from "../src/run-many.ts";

const PARTS = 8;
const CASES = 250;

describe("simulated Raft clusters (raft.md 11.6)", { timeout: 1_200_000 }, () => {
  const runs: RunResult[] = [];

  it.each(Array.from({ length: PARTS }, (_, part) => 1 + part * CASES))(
    `break no invariant in the ${CASES} cases from seed %i on`,
    (first) => {
      const run = runMany(subject, { first, count: CASES });
      runs.push(run);
      expect(run.failures).toEqual([]);
      expect(run.cases).toBe(CASES);
    },
  );

  it("met every fault at least once", () => {
    const { cases, counts } = mergeRuns(runs);
    expect(cases).toBe(PARTS * CASES);
    expect(unfired(counts)).toEqual([]);
  });
});
