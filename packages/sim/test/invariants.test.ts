// SPDX-License-Identifier: Apache-2.0
import { type Entry, newMessage } from "@tsoracle/driver-raft/raft";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OneLeaderPerTerm } from "../src/invariants/leaders.ts";
import { LeaseOverlap } from "../src/invariants/lease-overlap.ts";
import { LogMatching } from "../src/invariants/log-matching.ts";
import { quorumsIntersect } from "../src/invariants/membership.ts";
import { Register, Sequences } from "../src/invariants/register.ts";
import { promisesAreDurable } from "../src/invariants/sent-durable.ts";
import { Timestamps } from "../src/invariants/timestamps.ts";
import { OneVotePerTerm } from "../src/invariants/votes.ts";
import { Random } from "../src/random.ts";
import { Shadow } from "../src/shadow.ts";
import { EventQueue } from "../src/world/event-queue.ts";

function entry(index: number, term: number, text = ""): Entry {
  return { index, term, type: "EntryNormal", data: Buffer.from(text) };
}

/** All subsets of a set that are a majority of it. */
function majorities(ids: readonly number[]): number[][] {
  const subsets: number[][] = [[]];
  for (const id of ids) subsets.push(...subsets.map((subset) => [...subset, id]));
  return subsets.filter(({ length }) => length > ids.length / 2);
}

describe("the judges of the simulation", () => {
  it("refuse a second leader of a term", () => {
    const leaders = new OneLeaderPerTerm();
    expect([leaders.note(2, 1), leaders.note(2, 1), leaders.note(3, 2)]).toEqual([true, false, true]);
    expect(() => leaders.note(2, 2)).toThrow("invariant 1");
  });

  it("refuse a second vote in a term", () => {
    const votes = new OneVotePerTerm();
    votes.sent(newMessage("MsgVoteResp", { from: 1, to: 2, term: 5 }));
    votes.sent(newMessage("MsgVoteResp", { from: 1, to: 3, term: 5, reject: true }));
    expect(() => votes.sent(newMessage("MsgVote", { from: 1, to: 3, term: 5 }))).toThrow("invariant 2");
  });

  it("refuse an entry that has another content, or another term before it, elsewhere", () => {
    const matching = new LogMatching();
    matching.note(1, entry(4, 2, "a"), 1);
    matching.note(2, entry(4, 2, "a"), 1);
    expect(() => matching.note(2, entry(4, 2, "b"), 1)).toThrow("another content");
    expect(() => matching.note(3, entry(4, 2, "a"), 2)).toThrow("follows term 2");
  });

  it("refuse an acknowledgement of what the disk does not hold", () => {
    const shadow = new Shadow(1);
    shadow.take({ hardState: { term: 2, vote: 3, commit: 0 }, entries: [entry(1, 2), entry(2, 2)] });
    promisesAreDurable(shadow, newMessage("MsgAppResp", { from: 1, to: 3, term: 2, index: 2 }));
    promisesAreDurable(shadow, newMessage("MsgVoteResp", { from: 1, to: 3, term: 2 }));
    expect(() => promisesAreDurable(shadow, newMessage("MsgAppResp", { from: 1, to: 3, term: 2, index: 3 }))).toThrow(
      "9",
    );
    expect(() => promisesAreDurable(shadow, newMessage("MsgVoteResp", { from: 1, to: 2, term: 2 }))).toThrow("9");
    expect(() => promisesAreDurable(shadow, newMessage("MsgHeartbeat", { from: 1, to: 2, term: 3 }))).toThrow("9");
  });

  it("know whether quorums intersect, as all majorities show", () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        const shown = majorities(a).every((x) => majorities(b).every((y) => x.some((id) => y.includes(id))));
        expect(quorumsIntersect(new Set(a), new Set(b))).toBe(shown);
      }),
    );
  });

  it("refuse leases of two epochs at one time, and only then", () => {
    const leases = new LeaseOverlap();
    leases.renewed(1, 100, 400);
    leases.renewed(1, 200, 500);
    expect(() => leases.renewed(2, 450, 900)).toThrow("14");
    leases.ended(1, 440);
    leases.renewed(2, 450, 900);
    expect(() => leases.renewed(1, 460, 700)).toThrow("14");
  });

  it("refuse a timestamp twice, and one below what was given before it was asked for", () => {
    const timestamps = new Timestamps();
    timestamps.given(1, 10, 3, -1);
    timestamps.given(2, 5, 2, -1);
    expect(timestamps.newest).toBe(12);
    expect(() => timestamps.given(2, 6, 1, -1)).toThrow("15");
    expect(() => timestamps.given(2, 9, 1, 12)).toThrow("15");
  });

  it("refuse a load below what was acknowledged, and a late Ok that a newer epoch has not seen", () => {
    const register = new Register();
    register.advanced(1, 100, 100, 0);
    register.loaded(2, 100, 100);
    expect(() => register.loaded(2, 99, 100)).toThrow("13");
    register.advanced(1, 100, 100, 0);
    expect(() => register.advanced(1, 120, 120, 0)).toThrow("13");
    register.elected(3, "a");
    expect(() => register.elected(3, "b")).toThrow("13");
  });

  it("refuse a number of a sequence twice", () => {
    const sequences = new Sequences();
    sequences.answered("k", 0, 5, 0);
    expect(() => sequences.answered("k", 4, 1, 0)).toThrow("13");
    expect(() => sequences.answered("k", 5, 1, 6)).toThrow("13");
  });
});

describe("the machinery of the simulation", () => {
  it("runs events by time, and in the order of planning where times are equal", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
        const queue = new EventQueue();
        const run: [number, number][] = [];
        for (const [order, atMs] of times.entries()) queue.push(atMs, () => run.push([atMs, order]));
        for (let event = queue.pop(); event !== undefined; event = queue.pop()) event.run();
        expect(run).toEqual(
          times.map((atMs, order): [number, number] => [atMs, order]).sort(([a, i], [b, j]) => a - b || i - j),
        );
      }),
    );
  });

  it("draws the same for the same seed, and something else for another stream", () => {
    const draw = (seed: number, stream: number): number[] => {
      const random = new Random(seed, stream);
      return Array.from({ length: 5 }, random.next);
    };
    expect(draw(7, 1)).toEqual(draw(7, 1));
    expect(draw(7, 1)).not.toEqual(draw(7, 2));
    expect(draw(7, 1)).not.toEqual(draw(8, 1));
    expect(draw(2 ** 40, 1)).not.toEqual(draw(0, 1));
  });
});
