// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { FailureKind, NodeFailure } from "../src/node-outcome.ts";
import { type Verdict, VoteCount } from "../src/vote-count.ts";

const newer = "1".repeat(32);
const ok = { kind: "ok" } as const;
const fenced = { kind: "fenced", promised: newer } as const;
const range = { kind: "range" } as const;
const failed = (why: FailureKind, mayHaveRun = false): NodeFailure => ({
  kind: "failed",
  why,
  mayHaveRun,
  message: why,
});
const down = failed("unavailable");
const lost = failed("unavailable", true);
const full = failed("refusing");
const denied = failed("configuration");
const empty = failed("amnesia");
const cluster = failed("topology");

/** The verdict after these answers; with `expire`, nobody waits for the others. */
function verdictOf(n: number, votes: readonly Parameters<VoteCount["record"]>[1][], expire = false): string {
  const members = Array.from({ length: n }, (_, index) => `n${index}`);
  const count = new VoteCount(members);
  for (const [index, vote] of votes.entries()) count.record(members[index] ?? "", vote);
  if (expire) count.expire();
  return show(count.verdict("a persist"));
}

function show(verdict: Verdict | undefined): string {
  if (verdict === undefined) return "open";
  return verdict.kind === "refused" ? verdict.error.code : verdict.kind;
}

describe("the verdict on a round", () => {
  const rows: readonly (readonly [number, readonly Parameters<VoteCount["record"]>[1][], string])[] = [
    [1, [ok], "met"],
    [2, [ok], "open"],
    [2, [ok, ok], "met"],
    [3, [ok, ok], "met"],
    [4, [ok, ok], "open"],
    [4, [ok, ok, ok], "met"],
    [5, [ok, ok, ok], "met"],
    // Fenced by impossibility only.
    [3, [fenced], "open"],
    [3, [fenced, fenced], "fenced"],
    [3, [fenced, down, down], "transient"],
    [3, [fenced, ok, down], "uncertain"],
    [3, [fenced, ok, ok], "met"],
    [4, [fenced, fenced], "fenced"],
    [5, [fenced, fenced, ok, ok, down], "uncertain"],
    [5, [fenced, fenced, fenced], "fenced"],
    // A person is needed once too many nodes lack something that time does not bring.
    [3, [denied, empty], "permanent"],
    [3, [denied, down, down], "transient"],
    [3, [cluster, empty, down], "permanent"],
    [3, [full, full, full], "transient"],
    [3, [range], "permanent"],
    // What may have been carried out somewhere is not "not done".
    [3, [down, down, lost], "uncertain"],
    [3, [ok, down, full], "uncertain"],
    [3, [down, down, down], "transient"],
    [3, [down, down], "open"],
  ];
  it.each(rows)("of %i nodes after %j is %s", (n, votes, expected) => {
    expect(verdictOf(n, votes)).toBe(expected);
  });

  it("is a doubt when nodes stay silent, and says which", () => {
    expect(verdictOf(3, [down, down], true)).toBe("uncertain");
    const count = new VoteCount(["a", "b", "c"]);
    count.record("a", ok);
    count.record("b", full);
    count.expire();
    const verdict = count.verdict("a persist");
    const message = verdict?.kind === "refused" ? verdict.error.message : "";
    expect(message).toMatch(/1 of 3 nodes answered a persist, 2 are needed: b refusing; c did not answer in time/);
  });

  it("takes the first answer of a node, and none of a stranger", () => {
    const count = new VoteCount(["a", "b", "c"]);
    count.record("a", ok);
    count.record("a", ok);
    count.record("x", ok);
    expect(count.isMet).toBe(false);
    count.record("b", ok);
    expect(count.isMet).toBe(true);
  });
});
