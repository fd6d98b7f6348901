// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DurableSession,
  expectedToken,
  hmacTokens,
  ownershipErrorLabel,
  plainTokens,
  requestTakeover,
  type TakeoverRequest,
  type TakeoverResult,
  type TokenScheme,
  valid,
} from "../src/index.ts";
import { crashedS, sessionS, taken } from "./fixture.ts";
import { byTable } from "./takeover.model.ts";

const wordOf = (result: TakeoverResult): string =>
  result.ok ? (result.renewed ? "renewed" : "replaced") : ownershipErrorLabel(result.error);

const schemes: readonly TokenScheme[] = [plainTokens, hmacTokens(Uint8Array.from({ length: 32 }, (_, i) => i))];
const owners = ["node-a", "node-b", "NODE-A", "node:a", "a|b=c;d,e%f"];
const epochs = [0n, 1n, 2n, 6n, 7n, 8n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 2n, 2n ** 64n - 1n];

/** S as owned by somebody at some epoch. */
const owned = (owner: string, epoch: bigint, scheme: TokenScheme): DurableSession => {
  const session = sessionS({ owner, epoch });
  return { ...session, fence: { ...session.fence, token: scheme.expected("s-1", owner, epoch) } };
};

describe("requestTakeover", () => {
  it("answers as the table does, for every combination", () => {
    let asked = 0;
    for (const scheme of schemes)
      for (const currentOwner of owners)
        for (const currentEpoch of epochs.slice(1))
          for (const owner of owners)
            for (const epoch of epochs)
              for (const tokenIsRight of [true, false]) {
                const session = owned(currentOwner, currentEpoch, scheme);
                const right = scheme.expected("s-1", owner, epoch);
                const token = tokenIsRight ? right : `${right.slice(0, -1)}${right.endsWith("x") ? "y" : "x"}`;
                const result = requestTakeover(session, { owner, epoch, token }, 1100, scheme);
                const row = byTable({ currentOwner, currentEpoch, owner, epoch, tokenIsRight });
                if (wordOf(result) !== row) expect({ currentOwner, currentEpoch, owner, epoch, token }).toBe(row);
                asked += 1;
              }
    expect(asked).toBe(2 * 5 * 10 * 5 * 11 * 2);
  });

  it("replaces the fence and the checkpoint, and nothing else", () => {
    const before = crashedS();
    const token = expectedToken("s-1", "node-b", 9n);
    expect(taken(before, "node-b", 9n, 1100)).toEqual({
      ...before,
      fence: { owner: "node-b", epoch: 9n, token },
      snapshot: { ...before.snapshot, checkpointEpoch: 9n, checkpointMs: 1100 },
    });
  });

  it("keeps the epoch of the checkpoint on a renewal, even when it is older than the fence", () => {
    const session = taken(sessionS(), "node-a", 5n, 1050);
    const older = { ...session, snapshot: { ...session.snapshot, checkpointEpoch: 3n } };
    expect(taken(older, "node-a", 5n, 1100).snapshot).toMatchObject({ checkpointEpoch: 3n, checkpointMs: 1100 });
  });

  it.each<[string, Partial<TakeoverRequest>]>([
    ["another owner", { token: expectedToken("s-1", "node-a", 2n) }],
    ["another epoch", { token: expectedToken("s-1", "node-b", 3n) }],
    ["another session", { token: expectedToken("s-2", "node-b", 2n) }],
    ["the present fence", { token: expectedToken("s-1", "node-a", 1n) }],
    ["nobody", { token: "" }],
    ["nobody, and is ill-formed", { token: "\ud800" }],
    ["nobody, and is no text", { token: undefined as unknown as string }],
  ])("takes no token of %s", (_whose, part) => {
    const request = { owner: "node-b", epoch: 2n, token: "", ...part };
    for (const scheme of schemes) {
      expect(wordOf(requestTakeover(owned("node-a", 1n, scheme), request, 1100, scheme))).toBe(
        "invalid_token:node-b:2",
      );
    }
  });

  it("tells a reused epoch from a forged claim to it", () => {
    const claim = (token: string): TakeoverResult =>
      requestTakeover(sessionS(), { owner: "node-b", epoch: 1n, token }, 1100, plainTokens);
    const split = { kind: "split_brain", currentOwner: "node-a", requestedOwner: "node-b", epoch: 1n };
    expect(claim(expectedToken("s-1", "node-b", 1n))).toEqual({
      ok: false,
      error: { ...split, cause: "reused_epoch" },
    });
    expect(claim("made up")).toEqual({ ok: false, error: { ...split, cause: "forged_claim" } });
  });

  it("tells a forged plain token from a wrong HMAC", () => {
    const request = { owner: "node-b", epoch: 2n, token: "made up" };
    const causes = schemes.map((scheme) => requestTakeover(sessionS(), request, 1100, scheme));
    expect(causes).toMatchObject([{ error: { cause: "forged_token" } }, { error: { cause: "wrong_hmac" } }]);
  });

  it("takes no plain token and no HMAC of another secret where tokens are HMACs", () => {
    const [, scheme = plainTokens] = schemes;
    const others = [plainTokens, hmacTokens(new Uint8Array(32).fill(7))];
    for (const other of others) {
      const request = { owner: "node-b", epoch: 2n, token: other.expected("s-1", "node-b", 2n) };
      const result = requestTakeover(owned("node-a", 1n, scheme), request, 1100, scheme);
      expect(result).toMatchObject({ ok: false, error: { kind: "invalid_token", cause: "wrong_hmac" } });
    }
  });

  it("ends with the highest epoch, in whatever order racing claims arrive", () => {
    const race = fc.uniqueArray(fc.bigInt(2n, 9n), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(race, (order) => {
        let session = sessionS();
        const accepted: bigint[] = [];
        for (const epoch of order) {
          const owner = `node-${epoch}`;
          const token = expectedToken("s-1", owner, epoch);
          const result = requestTakeover(session, { owner, epoch, token }, 1100, plainTokens);
          if (!result.ok) {
            expect(wordOf(result)).toBe(`stale_owner:${session.fence.epoch}:${epoch}`);
            continue;
          }
          session = result.session;
          accepted.push(epoch);
        }
        const highest = order.toSorted((left, right) => Number(right - left))[0];
        expect(session.fence.owner).toBe(`node-${highest}`);
        expect(accepted).toEqual(accepted.toSorted((left, right) => Number(left - right)));
        expect(valid(session, plainTokens)).toBe(true);
      }),
    );
  });
});
