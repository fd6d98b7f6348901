// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextStep } from "../../src/driver/beginning.ts";
import type { MemberReading, Stage } from "../../src/driver/life.ts";

const MEMBERS = ["a", "b", "c"];

function looks(stages: readonly Stage[], change: Partial<MemberReading> = {}): ReadonlyMap<string, MemberReading> {
  return new Map(
    stages.map((stage, index) => {
      const plain = { life: 10n + BigInt(index), stage, ballot: 0n, highWater: 0 };
      return [MEMBERS[index] ?? "", index === 0 ? { ...plain, ...change } : plain];
    }),
  );
}

function stepOf(...stages: readonly Stage[]): string {
  return nextStep(MEMBERS, looks(stages), looks(stages)).kind;
}

describe("nextStep", () => {
  it("begins only if all members are empty together, or one proves that there was no ballot yet", () => {
    expect(stepOf("empty", "empty", "empty")).toBe("begin");
    expect(stepOf("begun", "empty", "empty")).toBe("begin");
    expect(stepOf("admitted", "begun", "empty")).toBe("begin");
  });

  it("does nothing beside an admitted member for one that must have lost its data", () => {
    expect(stepOf("admitted", "empty", "empty")).toBe("none");
    expect(stepOf("admitted", "admitted", "empty")).toBe("none");
  });

  it("admits when all are begun, and lets a first ballot be minted when all are admitted", () => {
    expect(stepOf("begun", "begun", "begun")).toBe("admit");
    expect(stepOf("admitted", "begun", "begun")).toBe("admit");
    const all = looks(["admitted", "admitted", "admitted"]);
    const lives = new Map([...all].map(([member, { life }]) => [member, life]));
    expect(nextStep(MEMBERS, all, all)).toEqual({ kind: "stand", lives });
  });

  it("does nothing if a member is missing, was in two lives, has no number yet, or differs from the others", () => {
    const empty = looks(["empty", "empty", "empty"]);
    const changed = (change: Partial<MemberReading>) => looks(["empty", "empty", "empty"], change);
    expect(nextStep(MEMBERS, looks(["empty", "empty"]), empty).kind).toBe("none");
    expect(nextStep(MEMBERS, empty, looks(["empty", "empty"])).kind).toBe("none");
    expect(nextStep(MEMBERS, empty, changed({ life: 99n })).kind).toBe("none");
    expect(nextStep(MEMBERS, changed({ life: 0n }), changed({ life: 0n })).kind).toBe("none");
    expect(nextStep(MEMBERS, changed({ highWater: 7 }), changed({ highWater: 7 })).kind).toBe("none");
    expect(nextStep(MEMBERS, changed({ ballot: 1n }), changed({ ballot: 1n })).kind).toBe("none");
  });

  it("takes what all members were set up with for the start", () => {
    const seeded = new Map(
      [...looks(["empty", "empty", "empty"])].map(([id, one]) => [id, { ...one, highWater: 900 }]),
    );
    expect(nextStep(MEMBERS, seeded, seeded).kind).toBe("begin");
  });

  it("reaches the first ballot from wherever a crash left it, and never one that a lost member could not be told from", () => {
    const stage = fc.constantFrom<Stage>("empty", "begun", "admitted");
    fc.assert(
      fc.property(fc.tuple(stage, stage, stage), (stages) => {
        // What a crash alone can leave: nobody is admitted beside one that is empty.
        const isLeftByCrash = !(stages.includes("admitted") && stages.includes("empty"));
        const at = [...stages];
        let kind = stepOf(...at);
        for (let writes = 0; writes < 7 && (kind === "begin" || kind === "admit"); writes += 1) {
          const from: Stage = kind === "begin" ? "empty" : "begun";
          at[at.indexOf(from)] = kind === "begin" ? "begun" : "admitted";
          kind = stepOf(...at);
        }
        const isProven = isLeftByCrash || stages.includes("begun");
        expect(kind).toBe(isProven ? "stand" : "none");
      }),
    );
  });
});
