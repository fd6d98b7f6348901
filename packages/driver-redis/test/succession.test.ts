// SPDX-License-Identifier: Apache-2.0
import { type TenureTerms, WaitOut } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { type Ballot, NO_BALLOT } from "../src/ballot.ts";
import type { Elector } from "../src/election.ts";
import type { PrepareAnswer, StatusAnswer } from "../src/node-outcome.ts";
import { PairWatch } from "../src/pair-watch.ts";
import { type SuccessionTerms, waitAfter } from "../src/succession.ts";

const terms: TenureTerms = { tenureMs: 1_000, drift: 0.1 };
const WAIT = 1_100;
const old: Ballot = "1".repeat(32);
const older: Ballot = "0".repeat(31).concat("1");

/** Virtual time, in milliseconds. */
function at(ms: number): bigint {
  return BigInt(ms) * 1_000_000n;
}

function found(over: Partial<PrepareAnswer> = {}): PrepareAnswer {
  return {
    kind: "ok",
    promised: old,
    highWater: 0,
    beat: "7",
    released: NO_BALLOT,
    holder: "x",
    duplicate: false,
    ...over,
  };
}

function electors(
  ...answers: readonly (readonly [member: string, before: PrepareAnswer, arrivedMs: number])[]
): Elector[] {
  return answers.map(([member, before, arrivedMs]) => ({ member, before, arrivedNs: at(arrivedMs) }));
}

function sighting(promised: Ballot, beat: string, over: Partial<StatusAnswer> = {}): StatusAnswer {
  const plain = { endpoint: "h:1", holder: "x", released: NO_BALLOT, highWater: 0, leasedForMs: 0 };
  return { kind: "ok", promised, beat, ...plain, ...over };
}

function wait(list: readonly Elector[], over: Partial<SuccessionTerms> = {}): number {
  const nowNs = at(10_000);
  const waitOut = waitAfter(list, {
    terms,
    n: 3,
    own: undefined,
    watch: new PairWatch(),
    durableBeats: true,
    nowNs,
    ...over,
  });
  return waitOut.remainingMs(nowNs);
}

/** Saw every node show the old pair from some moments on. */
function watched(...sinceMs: readonly number[]): PairWatch {
  const watch = new PairWatch();
  for (const [index, since] of sinceMs.entries()) watch.saw(`n${index}`, sighting(old, "7"), at(since));
  return watch;
}

describe("the wait of the elected", () => {
  const two = electors(["n0", found(), 9_990], ["n1", found(), 9_995]);

  it("is a whole one from the answers, if nothing was seen before", () => {
    expect(wait(two)).toBe(9_995 + WAIT - 10_000);
  });

  it("counts from when the last renewal was seen, by the node of the majority that was seen last", () => {
    expect(wait(two, { watch: watched(9_000, 9_400, 9_900) })).toBe(9_400 + WAIT - 10_000);
    const three = electors(["n0", found(), 9_990], ["n1", found(), 9_995], ["n2", found(), 9_996]);
    expect(wait(three, { watch: watched(9_000, 9_400, 9_900) })).toBe(9_400 + WAIT - 10_000);
  });

  it("does not count from a sighting of another beat or epoch", () => {
    const renewed = electors(["n0", found({ beat: "8" }), 9_990], ["n1", found(), 9_995]);
    expect(wait(renewed, { watch: watched(9_000, 9_000) })).toBe(9_990 + WAIT - 10_000);
  });

  it("counts from the answers where a crash of a node can lose a beat", () => {
    expect(wait(two, { watch: watched(9_000, 9_400), durableBeats: false })).toBe(9_995 + WAIT - 10_000);
  });

  it("is none when there was no reign, or the last one was released cleanly", () => {
    expect(wait(electors(["n0", found({ promised: NO_BALLOT }), 1], ["n1", found({ promised: NO_BALLOT }), 1]))).toBe(
      0,
    );
    expect(wait(electors(["n0", found(), 9_990], ["n1", found({ released: old }), 9_995]))).toBe(0);
  });

  it("is not skipped for the clean release of an earlier reign", () => {
    const list = electors(
      ["n0", found({ released: older }), 9_990],
      ["n1", found({ promised: older, released: older }), 9_995],
    );
    expect(wait(list)).toBeGreaterThan(1_000);
  });

  it("is none after one's own reign, but inherits what that one still had to wait for", () => {
    expect(wait(two, { own: { epoch: old, waitOut: WaitOut.none(at(5_000)) } })).toBe(0);
    expect(wait(two, { own: { epoch: old, waitOut: WaitOut.after(at(9_500), terms) } })).toBe(9_500 + WAIT - 10_000);
    expect(wait(two, { own: { epoch: older, waitOut: WaitOut.none(at(5_000)) } })).toBeGreaterThan(1_000);
  });

  it("is none after one's own reign although a failed candidate left a promise on a minority", () => {
    const own = { epoch: older, waitOut: WaitOut.none(at(5_000)) };
    const [mine, failed] = [found({ promised: older }), found()];
    expect(wait(electors(["n0", mine, 1], ["n1", mine, 1], ["n2", failed, 1]), { own })).toBe(0);
    expect(wait(electors(["n0", mine, 9_990], ["n2", failed, 9_995]), { own })).toBeGreaterThan(1_000);
  });

  it("is whole and never skipped when a promise was given twice", () => {
    const list = electors(
      ["n0", found({ released: old, duplicate: true }), 9_990],
      ["n1", found({ released: old }), 9_995],
    );
    expect(wait(list, { watch: watched(9_000, 9_000) })).toBe(9_990 + WAIT - 10_000);
  });

  it("is refused to less than a majority", () => {
    expect(() => wait(electors(["n0", found(), 1]))).toThrow(RangeError);
  });
});

describe("what a follower has seen", () => {
  it("lets it stand when a majority was silent for a tenure between two of its own replies", () => {
    const watch = watched(0, 0);
    expect(watch.mayCampaign(2, 1_000)).toBe(false);
    watch.saw("n0", sighting(old, "7"), at(1_000));
    expect(watch.mayCampaign(2, 1_000)).toBe(false);
    watch.saw("n1", sighting(old, "7"), at(999));
    expect(watch.mayCampaign(2, 1_000)).toBe(false);
    watch.saw("n1", sighting(old, "7"), at(1_001));
    expect(watch.mayCampaign(2, 1_000)).toBe(true);
    watch.saw("n1", sighting(old, "8"), at(1_002));
    expect(watch.mayCampaign(2, 1_000)).toBe(false);
  });

  it("does not let it stand while dampers run, however far the clocks of nodes were set", () => {
    const watch = watched(0, 0);
    for (const node of ["n0", "n1"]) watch.saw(node, sighting(old, "7", { leasedForMs: 1 }), at(5_000));
    expect(watch.mayCampaign(2, 1_000)).toBe(false);
  });

  it("lets it stand at once after a clean release, and on a fresh register", () => {
    const watch = new PairWatch();
    watch.saw("n0", sighting(old, "7", { released: old }), at(0));
    expect(watch.mayCampaign(2, 1_000)).toBe(false);
    watch.saw("n1", sighting(NO_BALLOT, "1", { released: NO_BALLOT }), at(0));
    expect(watch.mayCampaign(2, 1_000)).toBe(true);
    watch.lost("n1");
    expect(watch.mayCampaign(2, 1_000)).toBe(false);
  });

  it("names the leader of a majority, while it renews", () => {
    const watch = watched(0, 0);
    expect(watch.leader(2, 1_000, at(500))).toEqual({ epoch: old, endpoint: "h:1", holder: "x", isAlive: true });
    expect(watch.leader(2, 1_000, at(1_500))).toMatchObject({ isAlive: false });
    expect(watch.leader(3, 1_000, at(500))).toBeUndefined();
    watch.saw("n1", sighting(old, "8", { released: old }), at(600));
    expect(watch.leader(2, 1_000, at(700))).toMatchObject({ isAlive: false });
  });
});
