// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { simulate } from "./simulation.ts";
import { wrongProtocols } from "./wrong-protocols.ts";

/** Set TSORACLE_JOURNAL_SEEDS to play more, and TSORACLE_SEED to begin elsewhere. */
const FIRST = Number(process.env["TSORACLE_SEED"] ?? 1);
const CASES = Number(process.env["TSORACLE_JOURNAL_SEEDS"] ?? 120);
const HUNT = 400;

describe("Redis journals over simulated nodes", () => {
  it("lose and change nothing that was acknowledged, whatever a minority of the nodes forgets", async () => {
    const total: Record<string, number> = {};
    for (let seed = FIRST; seed < FIRST + CASES; seed += 1) {
      const { violations, counts } = await simulate(seed, { nodes: seed % 2 === 0 ? 3 : 5 });
      expect(violations, `TSORACLE_SEED=${seed} TSORACLE_JOURNAL_SEEDS=1`).toEqual([]);
      for (const [what, count] of Object.entries(counts)) total[what] = (total[what] ?? 0) + count;
    }
    if (CASES > 120) console.log(total);
    // A simulation in which nothing happens shows nothing.
    const kinds = ["append", "append fenced", "append uncertain", "takeover uncertain", "truncate", "wiped", "filled"];
    for (const what of kinds) expect(total[what] ?? 0, what).toBeGreaterThan(CASES > 20 ? 5 : -1);
  }, 3_600_000);

  it("lose and change nothing that was acknowledged where the copies of a minority are damaged", async () => {
    let damaged = 0;
    for (let seed = FIRST; seed < FIRST + CASES; seed += 1) {
      const { violations, counts } = await simulate(seed, { nodes: seed % 2 === 0 ? 3 : 5, rots: true });
      // A session may end so, where what is damaged was half settled; it must never go on with less than it had.
      const wrong = violations.filter((violation) => !violation.includes("no node has a whole copy"));
      expect(wrong, `TSORACLE_SEED=${seed} TSORACLE_JOURNAL_SEEDS=1`).toEqual([]);
      damaged += counts["damaged"] ?? 0;
    }
    expect(damaged).toBeGreaterThan(CASES);
  }, 3_600_000);

  for (const wrong of wrongProtocols) {
    it(`would show ${wrong.name}`, async () => {
      for (let seed = 1; seed <= HUNT; seed += 1) {
        if ((await simulate(seed, wrong)).violations.length > 0) return;
      }
      expect.fail(`${HUNT} cases showed nothing`);
    }, 600_000);
  }
});
