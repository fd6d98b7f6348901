// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epoch } from "@tsoracle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeaderCache } from "../src/leader-cache.ts";
import { targetOf } from "../src/target.ts";

const a = targetOf("a:1", false);
const b = targetOf("b:1", false);
const TTL = 30_000;

describe("leader cache", () => {
  it.each([
    ["a higher epoch", 5n, 6n, true],
    ["the same epoch", 5n, 5n, true],
    ["a lower epoch", 5n, 4n, false],
    ["no epoch against a known one", 5n, undefined, false],
    ["any epoch against an unknown one", undefined, 0n, true],
    ["no epoch against an unknown one", undefined, undefined, true],
  ])("offered a hint of %s", (_name, known, offered, accepted) => {
    const cache = new LeaderCache(TTL);
    cache.offerHint(a, known === undefined ? undefined : epoch(known), 0);
    expect(cache.offerHint(b, offered === undefined ? undefined : epoch(offered), 1)).toBe(accepted);
    expect(cache.fresh(1)?.target).toBe(accepted ? b : a);
  });

  it("takes any hint once the entry has outlived its time", () => {
    const cache = new LeaderCache(TTL);
    cache.recordSuccess(a, epoch(9n), 0);
    expect(cache.fresh(TTL - 1)?.target).toBe(a);
    expect(cache.fresh(TTL)).toBeUndefined();
    expect(cache.offerHint(b, undefined, TTL)).toBe(true);
  });

  it("keeps the higher epoch of a server and refreshes it", () => {
    const cache = new LeaderCache(TTL);
    cache.recordSuccess(a, epoch(9n), 0);
    cache.recordSuccess(a, epoch(3n), TTL - 1);
    expect(cache.fresh(2 * TTL - 2)).toMatchObject({ target: a, epoch: 9n });
  });

  it.each([
    ["a lower epoch", 4n, false],
    ["the same epoch", 5n, true],
    ["a higher epoch", 6n, true],
  ])("lets an answer of %s by another server replace a fresh entry only if it may", (_name, answered, replaced) => {
    const cache = new LeaderCache(TTL);
    cache.recordSuccess(a, epoch(5n), 0);
    cache.recordSuccess(b, epoch(answered), 1);
    expect(cache.fresh(1)?.target).toBe(replaced ? b : a);
  });

  it("never goes back to a lower epoch while the entry is fresh, whatever it hears", () => {
    const event = fc.record({
      hint: fc.boolean(),
      target: fc.constantFrom(a, b, targetOf("c:1", false)),
      epoch: fc.option(fc.bigInt({ min: 0n, max: 4n }), { nil: undefined }),
      after: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const cache = new LeaderCache(TTL);
        let now = 0;
        for (const { hint, target, epoch: heard, after } of events) {
          now += after;
          const before = cache.fresh(now)?.epoch;
          if (hint) cache.offerHint(target, heard as Epoch | undefined, now);
          else cache.recordSuccess(target, epoch(heard ?? 0n), now);
          const known = cache.fresh(now)?.epoch;
          if (before !== undefined) expect(known !== undefined && known >= before).toBe(true);
        }
      }),
    );
  });
});
