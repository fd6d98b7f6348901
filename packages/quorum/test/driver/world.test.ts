// SPDX-License-Identifier: Apache-2.0
import { Random } from "@tsoracle/conformance";
import { describe, expect, it } from "vitest";
import { type Flaw, World } from "./world.ts";

const STEPS = 400;
/** Several times as many as it takes to find any of the flaws below. */
const SEEDS = 1_500;

interface Summary {
  readonly problems: readonly string[];
  readonly reigns: number;
  readonly serving: number;
}

function explore(members: number, flaw: Flaw | undefined, seeds: number): Summary {
  const problems: string[] = [];
  let reigns = 0;
  let serving = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const world = new World({ random: new Random(seed), members, nodes: 3, flaw });
    world.run(STEPS);
    problems.push(...world.problems.map((problem) => `seed ${seed}: ${problem}`));
    if (flaw !== undefined && problems.length > 0) break;
    reigns += world.reigns.length;
    serving += world.reigns.filter(({ first, last }) => last >= first).length;
  }
  return { problems, reigns, serving };
}

describe("nodes over stores that elect for themselves", () => {
  it.each([1, 3, 4, 5])("never serve one value twice, nor under one epoch twice, over %i stores", (members) => {
    const { problems, reigns, serving } = explore(members, undefined, SEEDS);
    expect(problems).toEqual([]);
    // It would be easy to be safe without ever leading.
    expect(reigns).toBeGreaterThan(SEEDS / 2);
    expect(serving).toBeGreaterThan(SEEDS / 8);
  });

  const flaws: readonly Flaw[] = [
    "largest acknowledgement",
    "W below a majority",
    "fenced by one reply",
    "epoch from member epochs",
    "ballot from own memory",
    "member writes without a fence",
  ];
  it.each(flaws)("are seen to break the promise with this flaw: %s", (flaw) => {
    expect(explore(3, flaw, SEEDS).problems).not.toEqual([]);
  });
});
