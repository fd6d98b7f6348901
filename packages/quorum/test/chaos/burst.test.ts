// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { type Attempt, runBurst } from "./burst.ts";

const created: Attempt = { kind: "answer", answer: { status: 201, headers: {}, body: "{}" } };

/** Sends that are answered as the script says, the first entry first; the rest is created. */
async function burst(
  ids: readonly string[],
  atOnce: number,
  script: Readonly<Record<string, readonly Attempt[]>> = {},
) {
  const sent: string[] = [];
  const answered: number[] = [];
  let underWay = 0;
  let most = 0;
  let clock = 0;
  const results = await runBurst({
    ids,
    atOnce,
    send: async (id) => {
      const earlier = sent.filter((other) => other === id).length;
      sent.push(id);
      underWay += 1;
      most = Math.max(most, underWay);
      await Promise.resolve();
      underWay -= 1;
      return script[id]?.[earlier] ?? created;
    },
    onAnswer: (count) => answered.push(count),
    monotonicMs: () => ++clock,
  });
  return { results, sent, answered, most };
}

describe("a burst of writes", () => {
  it("sends each once, so many at a time, and counts the answers", async () => {
    const ids = ["a", "b", "c", "d", "e"];
    const { results, sent, answered, most } = await burst(ids, 2);
    expect([...sent].sort()).toEqual(ids);
    expect([answered, most]).toEqual([[1, 2, 3, 4, 5], 2]);
    expect(results.every(({ outcome, repeats }) => outcome === "ok" && repeats === 0)).toBe(true);
  });

  it("sends under the same id again what died with the primary, and nothing else", async () => {
    const broken: Attempt = { kind: "broken", text: "connection reset" };
    const { results, sent } = await burst(["a", "b"], 1, { a: [{ kind: "lost" }, { kind: "lost" }], b: [broken] });
    expect(sent).toEqual(["a", "a", "a", "b"]);
    expect(results).toMatchObject([
      { id: "a", outcome: "ok", repeats: 2 },
      { id: "b", outcome: "fail", detail: "connection reset", repeats: 0 },
    ]);
  });

  it("times a write from its first attempt, so that none seems to have begun later than it did", async () => {
    const { results } = await burst(["a"], 1, { a: [{ kind: "lost" }] });
    expect(results).toMatchObject([{ beganAt: 1, endedAt: 2 }]);
  });
});
