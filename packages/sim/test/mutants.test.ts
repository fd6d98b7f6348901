// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { hunt } from "../src/mutants/hunt.ts";
import { mutants } from "../src/mutants/list.ts";
import { withMutant } from "../src/mutants/load.ts";

/** Several times what each of them takes. */
const CASES = 600;

/**
 * Where a hunt begins: the first seed that showed the mutant when it was written, if that was not 1. A driver that draws
 * otherwise moves the catch, not the verdict; then "corepack pnpm sim --mutants" says where it is now.
 */
const FIRST_SEEDS: Readonly<Record<string, number>> = {
  "a wiped voter is heard on, because it was let in before its disk was known": 10,
  "a clone is let in": 119,
  "no vote embargo after a start": 172,
  "the lease counts from the answer": 81,
  "the lease lasts longer than the refusal to vote": 33,
  "an advance of another epoch is taken": 7,
  "the high-water is set instead of raised": 11,
  "a leader reigns again after a transfer that came to nothing": 12,
  "counters are left out of snapshots": 20,
  "the log is never shortened": 94,
  "a damaged end of the log that was answered for is cut off": 6,
  "an old term's entry is committed by counting": 2,
  "an append cuts off what follows it although nothing conflicts": 22,
  "votes go to logs that lack entries": 27,
  "two votes in one term": 13,
  "a change of members while another one is not applied": 25,
  "votes are given while the leader is heard": 202,
  "a lease may rest on one answer of a quorum": 22,
  "a snapshot is taken as proof of a log that differs": 157,
  "a failed sync is tried again": 137,
  "chance that no seed knows of": 20,
};

describe("wrong Raft drivers (raft.md 11.7)", { timeout: 600_000 }, () => {
  it("differ from the right one only by what their edits say", async () => {
    await expect(hunt({ name: "none", rule: "none", edits: [], caughtBy: [] }, 1, 20)).resolves.toBeUndefined();
  });

  it("are refused when their place is not found", async () => {
    const stale = {
      name: "stale",
      rule: "none",
      edits: [{ file: "index.ts", find: "no such text", replace: "" }],
      caughtBy: [],
    };
    await expect(withMutant(stale, () => undefined)).rejects.toThrow(
      "expected its place once in index.ts, found it 0 times",
    );
  });

  it("begin their hunts under names that exist", () => {
    const names = mutants.map(({ name }) => name);
    expect(Object.keys(FIRST_SEEDS).filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each(mutants)("$rule: $name", async (mutant) => {
    const found = await hunt(mutant, FIRST_SEEDS[mutant.name] ?? 1, CASES);
    expect(mutant.caughtBy).toContain(found?.invariant);
  });
});
