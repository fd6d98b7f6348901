// SPDX-License-Identifier: Apache-2.0
import type * as nodeTest from "node:test";
import { describe, expect, it } from "vitest";
import { type ClausesOf, clause, type Runner, type Subject } from "../src/index.ts";
import { memorySubject } from "./memory-subject.ts";

// Each of these is an assertion of the compiler: without the mistake, the comment above it is an error.
const checks = {
  nodeRunner: (runner: Pick<typeof nodeTest, "describe" | "it">): Runner => runner,
  vitestRunner: (): Runner => ({ describe, it }),
  undeclaredFault: () =>
    clause({
      sentence: "a body calls only what its clause declares",
      needs: ["crash"],
      // @ts-expect-error elect is not among the needs
      body: (trial) => trial.faults.elect(0),
    }),
  noFaults: () =>
    clause({
      sentence: "a clause without needs has no faults",
      needs: [],
      // @ts-expect-error there are no needs
      body: (trial) => trial.faults.crash(0),
    }),
  usedFault: () =>
    clause({
      sentence: "a fault that is only used may be missing",
      needs: [],
      uses: ["crash"],
      // @ts-expect-error possibly undefined
      body: (trial) => trial.faults.crash(0),
    }),
  inventedFault: () =>
    clause({
      sentence: "needs are faults",
      // @ts-expect-error no such fault
      needs: ["crush"],
      body: async () => {},
    }),
  inventedClause: (): ClausesOf<"load"> => {
    const it = clause({ sentence: "an id", needs: [], body: async () => {} });
    // @ts-expect-error no such clause in the group
    return { "load.fresh": it, "load.linearized": it, "load.invented": it };
  },
  forgottenClause: (): ClausesOf<"load"> => {
    const it = clause({ sentence: "an id", needs: [], body: async () => {} });
    // @ts-expect-error load.linearized is missing
    return { "load.fresh": it };
  },
  // @ts-expect-error no such clause
  misspelledGap: (): Subject => ({ ...memorySubject(), gaps: { "advance.maximum": "a reason" } }),
  // @ts-expect-error no such fault
  misspelledWaiver: (): Subject => ({ ...memorySubject(), waivers: { crush: "a reason" } }),
};

describe("the types of the kit", () => {
  it("allow a body the faults that its clause declares", () => {
    const declared = clause({
      sentence: "a body calls what its clause declares",
      needs: ["crash"],
      uses: ["elect"],
      body: async (trial) => {
        await trial.faults.crash(0);
        await trial.faults.elect?.(0);
      },
    });
    expect(declared.needs).toEqual(["crash"]);
    expect(Object.keys(checks)).toHaveLength(10);
  });
});
