// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { SingleAttemptRoute } from "../src/single-attempt-route.ts";
import { targetOf } from "../src/target.ts";

const a = targetOf("a:1", false);
const b = targetOf("b:1", false);
const leader = targetOf("l:1", false);

describe("route of calls that make one attempt", () => {
  it("prefers the leader of last report, then the first configured server", () => {
    const route = new SingleAttemptRoute([a, b]);
    expect(route.next(leader)).toBe(leader);
    expect(route.next(undefined)).toBe(a);
  });

  it("goes round those that did not help, and then to the one that failed longest ago", () => {
    const route = new SingleAttemptRoute([a, b]);
    const order = [leader, a, b, leader, a];
    for (const expected of order) {
      const target = route.next(leader);
      expect(target).toBe(expected);
      route.avoid(expected);
    }
  });

  it("goes back to one that helped or was named, and to no other", () => {
    const route = new SingleAttemptRoute([a, b]);
    route.avoid(leader);
    route.avoid(a);
    route.trust(a);
    expect(route.next(leader)).toBe(a);
  });
});
