// SPDX-License-Identifier: Apache-2.0
import { Random } from "@tsoracle/conformance";
import { describe, expect, it } from "vitest";
import { FLAWS, type Flaw } from "./world/ground.ts";
import { World } from "./world.ts";

const STEPS = 2_500;
const SEEDS = 400;
/** Several times as many as it takes to find any of the flaws below. */
const FLAW_SEEDS = 800;

interface Summary {
  readonly problems: readonly string[];
  readonly reigns: number;
  readonly serving: number;
  readonly fills: number;
}

/** Behind a fence that keeps everybody out but the newest leader, it cannot show. */
const BEHIND_THE_FENCE: Flaw = "a newer ballot counts as well";

function explore(members: number, flaw: Flaw | undefined, seeds: number, isFenced = true): Summary {
  const problems: string[] = [];
  let reigns = 0;
  let serving = 0;
  let fills = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const world = new World({ random: new Random(seed), members, nodes: 3, flaw, isFenced });
    world.run(STEPS);
    problems.push(...world.problems.map((problem) => `seed ${seed}: ${problem}`));
    if (flaw !== undefined && problems.length > 0) break;
    reigns += world.reigns.length;
    fills += world.fills;
    serving += world.reigns.filter(({ first, last }) => last >= first).length;
  }
  return { problems, reigns, serving, fills };
}

describe("nodes over stores that elect for themselves and may lose their data", () => {
  it.each([1, 3, 4, 5])("never serve one value twice, nor under one epoch twice, over %i stores", (members) => {
    const { problems, reigns, serving, fills } = explore(members, undefined, SEEDS);
    expect(problems).toEqual([]);
    // It would be easy to be safe without ever leading.
    expect(reigns).toBeGreaterThan(SEEDS);
    expect(serving).toBeGreaterThan(SEEDS / 2);
    // One store of one has nobody to remember for it.
    if (members > 1) expect(fills).toBeGreaterThan(SEEDS / 8);
  });

  it.each([3, 5])(
    "keep the promise by the ballots alone, if %i stores let a node write that they did not elect",
    (members) => {
      const { problems, serving } = explore(members, undefined, SEEDS, false);
      expect(problems).toEqual([]);
      expect(serving).toBeGreaterThan(SEEDS / 2);
    },
  );

  it.each(FLAWS)("are seen to break the promise with this flaw: %s", (flaw) => {
    expect(explore(3, flaw, FLAW_SEEDS, flaw !== BEHIND_THE_FENCE).problems).not.toEqual([]);
  });
});
