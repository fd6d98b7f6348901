// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { hunt } from "../src/mutants/hunt.ts";
import { mutants } from "../src/mutants/list.ts";
import { withMutant } from "../src/mutants/load.ts";

/** Several times what each of them takes. */
const CASES = 600;

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

  it.each(mutants)("$rule: $name", async (mutant) => {
    const found = await hunt(mutant, 1, CASES);
    expect(mutant.caughtBy).toContain(found?.invariant);
  });
});
