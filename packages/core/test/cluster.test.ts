// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Allocator, epoch } from "../src/index.ts";
import { type Issued, ModelNode, ModelStore, StoreWithoutEpochCheck } from "./cluster.model.ts";
import { StartsAtPriorHighWater } from "./mutants/allocator-mutants.ts";

interface Turn {
  readonly node: number;
  readonly do: "elect" | "takeover" | "hear" | "progress" | "lose" | "grant" | "extend" | "clock" | "run";
  readonly amount: number;
}

const turn: fc.Arbitrary<Turn> = fc.record({
  node: fc.nat({ max: 2 }),
  do: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom("elect" as const, "takeover" as const) },
    { weight: 3, arbitrary: fc.constant("run" as const) },
    { weight: 6, arbitrary: fc.constantFrom("hear" as const, "progress" as const, "grant" as const) },
    { weight: 2, arbitrary: fc.constantFrom("extend" as const, "clock" as const, "lose" as const) },
  ),
  amount: fc.nat({ max: 6 }),
});

interface Parts {
  readonly store?: () => ModelStore;
  readonly allocator?: () => Allocator;
}

/** Plays a schedule on three nodes and throws at the first duplicate or regression; answers what was issued. */
function play(turns: readonly Turn[], parts: Parts = {}): { readonly grants: number; readonly reigns: number } {
  const store = parts.store?.() ?? new ModelStore();
  const nodes = [0, 1, 2].map(() => new ModelNode(store, parts.allocator?.()));
  const reigns = new Map<bigint, Issued[]>();
  let freshest = -1n;
  let grants = 0;
  for (const { node: index, do: action, amount } of turns) {
    const node = nodes[index];
    if (node === undefined) throw new Error("no such node");
    if (action === "elect" || action === "takeover") {
      store.epoch = epoch(store.epoch + 1n);
      for (const other of nodes) {
        const view =
          other === node
            ? ({ role: "leader", epoch: store.epoch } as const)
            : ({ role: "follower", leaderEpoch: store.epoch } as const);
        other.tell({ type: "leadership", view });
      }
    }
    if (action === "hear") node.hear();
    if (action === "progress") node.progress(amount, false);
    if (action === "lose") node.progress(amount, true);
    if (action === "extend") node.extend();
    if (action === "clock") node.clockMs = amount * 3;
    // A quiet stretch on one node: without it, long attempts would seldom come to their end between elections.
    if (action === "takeover" || action === "run") {
      for (let step = 0; step < 9; step += 1) {
        if (step % 3 === 0) node.hear();
        else node.progress(0, false);
      }
    }
    if (action !== "grant" && action !== "takeover") continue;
    const issued = node.grant(amount % 2 === 0 ? 1 : 200_000);
    if (issued === undefined) continue;
    grants += 1;
    const reign = reigns.get(issued.epoch) ?? [];
    reigns.set(issued.epoch, reign);
    const before = reign.at(-1);
    if (before !== undefined && issued.first <= before.last) throw new Error("regression within a reign");
    reign.push(issued);
    // The tenure check of a server, made perfect: only grants of the newest reign are answered.
    if (issued.epoch !== store.epoch) continue;
    if (issued.first <= freshest) throw new Error("an answered timestamp is not above every earlier one");
    freshest = issued.last;
  }
  const inOrder = [...reigns].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [position, [, issued]] of inOrder.entries()) {
    const following = inOrder[position + 1]?.[1][0];
    const last = issued.at(-1);
    if (following !== undefined && last !== undefined && following.first <= last.last) {
      throw new Error("a reign overlaps or precedes an earlier one");
    }
  }
  return { grants, reigns: reigns.size };
}

const schedule = fc.array(turn, { minLength: 20, maxLength: 150 });

describe("Allocator and FailoverMachine over one store", () => {
  it("issue no duplicate and no regression, whatever the order of elections, answers and losses", () => {
    let grants = 0;
    let handedOver = 0;
    fc.assert(
      fc.property(schedule, (turns) => {
        const seen = play(turns);
        grants += seen.grants;
        if (seen.reigns > 1) handedOver += 1;
      }),
      { numRuns: 1_500 },
    );
    expect(grants).toBeGreaterThan(1_000);
    expect(handedOver).toBeGreaterThan(100);
  });

  it.each<[string, Parts, RegExp]>([
    ["a store without the epoch check", { store: () => new StoreWithoutEpochCheck() }, /not above|overlaps/],
    ["a floor at the prior high-water", { allocator: () => new StartsAtPriorHighWater() }, /not above|overlaps/],
  ])("are not safe with %s, and this test sees it", (_name, parts, expected) => {
    const result = fc.check(
      fc.property(schedule, (turns) => void play(turns, parts)),
      { numRuns: 5_000, seed: 1 },
    );
    expect(result.failed).toBe(true);
    expect(String(result.errorInstance)).toMatch(expected);
  });
});
