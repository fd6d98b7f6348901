// SPDX-License-Identifier: Apache-2.0
import { type TenureTerms, WaitOut, waitOutMs } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { type LastReign, type Succession, waitAfter } from "../src/succession.ts";

const terms: TenureTerms = { tenureMs: 1_000, drift: 0.1 };
const MS = 1_000_000n;
const now = 50_000n * MS;
const last: LastReign = { epoch: 20n, modRevision: 31n, clean: false };

function remaining(change: Partial<Succession> = {}): number {
  const succession: Succession = {
    ...{ freshness: "lease", terms, last, own: undefined, sighting: undefined, nowNs: now },
    ...change,
  };
  return waitAfter(succession).remainingMs(now);
}

describe("how long a new leader waits", () => {
  it("is a whole tenure and its slack from now, when nothing was seen of the last reign", () => {
    expect(remaining()).toBe(waitOutMs(terms));
  });

  it("counts from the moment that the very last beat was seen", () => {
    const seenAtNs = now - 400n * MS;
    expect(remaining({ sighting: { epoch: 20n, modRevision: 31n, seenAtNs } })).toBe(waitOutMs(terms) - 400);
  });

  it("counts from now, when a beat came that was not seen, or the sighting is of another reign", () => {
    const seenAtNs = now - 400n * MS;
    expect(remaining({ sighting: { epoch: 20n, modRevision: 30n, seenAtNs } })).toBe(waitOutMs(terms));
    expect(remaining({ sighting: { epoch: 19n, modRevision: 31n, seenAtNs } })).toBe(waitOutMs(terms));
  });

  it("is nothing after a reign that was released, and before the first", () => {
    expect(remaining({ last: { ...last, clean: true } })).toBe(0);
    expect(remaining({ last: { epoch: 0n, modRevision: 1n, clean: false } })).toBe(0);
  });

  it("is nothing in confirm mode, where each answer is asked for", () => {
    expect(remaining({ freshness: "confirm" })).toBe(0);
  });

  it("is nothing after an own reign, unless that reign was still waiting for somebody else", () => {
    expect(remaining({ own: { epoch: 20n, wait: WaitOut.none(now - MS) } })).toBe(0);
    const unfinished = WaitOut.after(now - 100n * MS, terms);
    expect(remaining({ own: { epoch: 20n, wait: unfinished } })).toBe(waitOutMs(terms) - 100);
  });

  it("is whole after somebody else, whatever this process did before", () => {
    expect(remaining({ own: { epoch: 19n, wait: WaitOut.none(now - MS) } })).toBe(waitOutMs(terms));
  });

  it("is whole when the record of the last reign is missing", () => {
    const none: LastReign = { epoch: -1n, modRevision: 0n, clean: false };
    expect(remaining({ last: none })).toBe(waitOutMs(terms));
  });
});
