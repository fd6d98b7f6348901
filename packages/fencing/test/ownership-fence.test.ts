// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeTakeover, type OwnershipFence, ownershipFence, type TakeoverVerdict } from "../src/index.ts";

const tokenOf = (owner: string, epoch: bigint): string => `token of ${owner} for ${epoch}`;
const fenceOf = (owner: string, epoch: bigint): OwnershipFence =>
  ownershipFence({ owner, epoch, token: tokenOf(owner, epoch) });

function ask(current: OwnershipFence, owner: string, epoch: bigint, token: "right" | "wrong"): TakeoverVerdict {
  const expectedToken = tokenOf(owner, epoch);
  return judgeTakeover({
    current,
    request: { owner, epoch, token: token === "right" ? expectedToken : "another" },
    expectedToken,
  });
}

/** The rows of the table, most general last, each as it is printed. */
function byTable(current: OwnershipFence, owner: string, epoch: bigint, token: "right" | "wrong"): string {
  const rows: readonly [boolean, string][] = [
    [epoch < current.epoch, "stale_owner"],
    [epoch === current.epoch && owner !== current.owner, "split_brain"],
    [epoch === current.epoch && owner === current.owner && token === "wrong", "invalid_token"],
    [epoch === current.epoch && owner === current.owner && token === "right", "renewed"],
    [epoch > current.epoch && token === "wrong", "invalid_token"],
    [epoch > current.epoch && token === "right", "replaced"],
  ];
  const matching = rows.filter(([matches]) => matches);
  expect(matching).toHaveLength(1);
  return matching[0]?.[1] ?? "";
}

const wordFor = (verdict: TakeoverVerdict): string =>
  verdict.ok ? (verdict.renewed ? "renewed" : "replaced") : verdict.refusal.kind;

describe("judgeTakeover", () => {
  const current = fenceOf("node-a", 1n);

  it("E5 calls epoch 0 stale, with the right token", () => {
    expect(ask(current, "node-b", 0n, "right")).toEqual({
      ok: false,
      refusal: { kind: "stale_owner", currentEpoch: 1n, requestedEpoch: 0n },
    });
  });

  it("E6 renews for the owner with the right token and leaves the fence as it is", () => {
    const verdict = ask(current, "node-a", 1n, "right");
    expect(verdict).toEqual({ ok: true, renewed: true, fence: current });
    expect(ask(current, "node-a", 1n, "wrong")).toEqual({
      ok: false,
      refusal: { kind: "invalid_token", owner: "node-a", epoch: 1n },
    });
  });

  it.each(["right", "wrong"] as const)("E7 calls the same epoch of another owner a split brain, token %s", (token) => {
    expect(ask(current, "node-b", 1n, token)).toEqual({
      ok: false,
      refusal: { kind: "split_brain", currentOwner: "node-a", requestedOwner: "node-b", epoch: 1n },
    });
  });

  it("E9 hands over to a higher epoch, and the old owner is stale then", () => {
    const taken = ask(current, "node-b", 2n, "right");
    expect(taken).toEqual({ ok: true, renewed: false, fence: fenceOf("node-b", 2n) });
    if (!taken.ok) throw new Error("unreachable");
    expect(ask(taken.fence, "node-a", 1n, "right")).toMatchObject({
      refusal: { kind: "stale_owner", currentEpoch: 2n },
    });
  });

  it("allows gaps, and a higher epoch for the present owner", () => {
    expect(wordFor(ask(current, "node-a", 900n, "right"))).toBe("replaced");
  });

  it("answers as the table does, for every combination", () => {
    for (const owner of ["node-a", "node-b"])
      for (const epoch of [0n, 1n, 2n, 3n, 4n, 2n ** 64n - 1n])
        for (const token of ["right", "wrong"] as const) {
          const held = fenceOf("node-a", 3n);
          expect(wordFor(ask(held, owner, epoch, token))).toBe(byTable(held, owner, epoch, token));
        }
  });

  it("takes a token made for another owner or epoch as wrong", () => {
    const request = { owner: "node-b", epoch: 2n };
    for (const token of [tokenOf("node-a", 2n), tokenOf("node-b", 3n), current.token]) {
      const verdict = judgeTakeover({ current, request: { ...request, token }, expectedToken: tokenOf("node-b", 2n) });
      expect(wordFor(verdict)).toBe("invalid_token");
    }
  });

  it("E16 changes nothing, and asks the comparison it was given", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 5n), fc.constantFrom("node-a", "x"), fc.boolean(), (epoch, owner, same) => {
        const held = fenceOf("node-a", 3n);
        const verdict = judgeTakeover({
          current: held,
          request: { owner, epoch, token: "given" },
          expectedToken: "expected",
          sameToken: (given, expected) => same && given === "given" && expected === "expected",
        });
        expect(wordFor(verdict)).toBe(byTable(held, owner, epoch, same ? "right" : "wrong"));
        expect(held).toEqual(fenceOf("node-a", 3n));
      }),
    );
  });

  it.each([
    ["", 2n],
    ["node-b", -1n],
    ["node-b", 2n ** 64n],
  ])("answers a request of %j with epoch %s with a RangeError", (owner, epoch) => {
    expect(() => ask(current, owner, epoch, "right")).toThrow(RangeError);
  });

  it("makes no fence with epoch 0", () => {
    expect(() => ownershipFence({ owner: "node-a", epoch: 0n, token: "t" })).toThrow(RangeError);
  });
});
