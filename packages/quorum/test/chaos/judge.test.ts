// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { classifyAnswer } from "./burst.ts";
import {
  acknowledgedBelowQuorum,
  acknowledgedWithin,
  type CycleEvidence,
  type CycleLine,
  judgeCampaign,
  judgeClass,
  type WriteResult,
} from "./judge.ts";
import { renderReport } from "./render.ts";

/** A cycle of 1000 writes in which all went well, but for what is said. */
function cycle(line: Partial<CycleLine> = {}, rest: Partial<CycleEvidence> = {}): CycleEvidence {
  const whole: CycleLine = {
    cycle: 1,
    fault: "partition_minority",
    writes: 1_000,
    ok: 1_000,
    quorum_not_met: 0,
    fail: 0,
    count_node0: 1_000,
    count_node1: 1_000,
    count_node2: 1_000,
    ...line,
  };
  return { line: whole, isConfirmed: true, tooEarly: 0, underReplicated: 0, failures: [], refusals: [], ...rest };
}

const judged = (...cycles: readonly CycleEvidence[]): readonly [number, string] => {
  const { convergence_bound, verdict } = judgeClass("partition_minority", cycles);
  return [convergence_bound, verdict];
};

describe("the verdict over one class", () => {
  it.each([
    [1_000, 1, "pass"],
    [995, 0.995, "pass"],
    [994, 0.994, "soft fail"],
    [980, 0.98, "soft fail"],
    [979, 0.979, "hard fail"],
    [0, 0, "hard fail"],
  ] as const)("at %d of 1000 on the slower peer is %d, %s", (count, bound, verdict) => {
    expect(judged(cycle({ count_node2: count }))).toEqual([bound, verdict]);
    expect(judged(cycle({ count_node1: count }))).toEqual([bound, verdict]);
  });

  it("cuts the bound off after three digits, so that it never rounds up to a pass", () => {
    expect(judged(cycle({ ok: 10_000, count_node1: 9_949, count_node2: 9_949 }))).toEqual([0.994, "soft fail"]);
  });

  it("takes the slower peer of each cycle: what one has too much does not make good what the other lacks", () => {
    expect(judged(cycle({ count_node1: 980 }), cycle({ count_node2: 980 }))).toEqual([0.98, "soft fail"]);
  });

  it("measures convergence and not uptime: writes that missed their quorum do not lower it", () => {
    expect(judged(cycle({ ok: 500, quorum_not_met: 500, count_node1: 500, count_node2: 500 }))).toEqual([1, "pass"]);
  });

  it("does not let refused writes that arrived stand in for acknowledged ones that did not", () => {
    const surplus = cycle({ ok: 900, quorum_not_met: 100 });
    expect(judged(surplus, cycle({ count_node1: 900 }))).toEqual([0.947, "hard fail"]);
  });

  it("tells why quorums were not met, which is no failure", () => {
    const cycles = [cycle({ quorum_not_met: 3 }, { refusals: ["timeout", "unreachable", "timeout"] })];
    const summary = judgeClass("partition_minority", cycles);
    expect([summary.verdict, summary.quorum_not_met_reasons]).toEqual(["pass", { timeout: 2, unreachable: 1 }]);
    const text = renderReport({ classes: [summary], verdict: "pass", evidence: [] });
    expect(text).toContain("quorum not met partition_minority: timeout 2, unreachable 1\n");
  });

  it("ignores the primary, which has everything that it acknowledged", () => {
    expect(judged(cycle({ count_node0: 5 }))).toEqual([1, "pass"]);
  });

  it("is no pass with an unexpected failure, and says what it was", () => {
    const { verdict, reasons } = judgeClass("drop_random_acks", [cycle({ fail: 1 }, { failures: ["500 disk full"] })]);
    expect([verdict, reasons]).toEqual(["soft fail", ["1 failed: 500 disk full"]]);
  });

  it("is no pass where a fault did not happen, or nothing was acknowledged", () => {
    expect(judged(cycle(), cycle({}, { isConfirmed: false }))).toEqual([1, "soft fail"]);
    expect(judged(cycle({ ok: 0, quorum_not_met: 1_000, count_node1: 0, count_node2: 0 }))).toEqual([1, "soft fail"]);
  });

  it("is a hard fail with an acknowledgement that had no quorum, however well all converges", () => {
    expect(judged(cycle({}, { tooEarly: 1 }))).toEqual([1, "hard fail"]);
    expect(judged(cycle({}, { underReplicated: 1 }))).toEqual([1, "hard fail"]);
  });
});

describe("the verdict over all classes", () => {
  const good = judgeClass("partition_minority", [cycle()]);
  const soft = judgeClass("drop_random_acks", [cycle({ count_node1: 990 })]);
  const hard = judgeClass("clock_skew_peer", [cycle({ count_node1: 0 })]);

  it("is that of the worst", () => {
    expect([[good], [good, soft], [hard, soft, good]].map(judgeCampaign)).toEqual(["pass", "soft fail", "hard fail"]);
  });

  it("is no pass without any", () => expect(judgeCampaign([])).toBe("soft fail"));

  it("is printed with every reason, and with what a simulated fault leaves out", () => {
    const text = renderReport({ classes: [good, soft, hard], verdict: "hard fail", evidence: [] });
    expect(text).toContain("NOT MET drop_random_acks: 990 of 1000 reached both peers, below 0.995");
    expect(text).toContain("NOT MET clock_skew_peer: 0 of 1000 reached both peers, below 0.980");
    expect(text).toMatch(/drop_random_acks \(simulated\): .* really stopped .*SIGSTOP/);
    expect(text.endsWith("verdict: hard fail\n")).toBe(true);
  });
});

describe("what was acknowledged without a quorum", () => {
  const write = (
    id: string,
    beganAt: number,
    endedAt: number,
    outcome: WriteResult["outcome"] = "ok",
  ): WriteResult => ({
    id,
    outcome,
    detail: "",
    beganAt,
    endedAt,
    repeats: 0,
  });

  it("is what began and ended while no peer could be reached", () => {
    const results = [write("before", 1, 15), write("inside", 10, 20), write("after", 15, 21)];
    expect(acknowledgedWithin(results, 10, 20)).toBe(1);
    expect(acknowledgedWithin([write("refused", 12, 13, "quorum_not_met")], 10, 20)).toBe(0);
  });

  it("is what fewer than two nodes have", () => {
    const results = [write("a", 0, 1), write("b", 0, 1), write("c", 0, 1, "quorum_not_met")];
    expect(acknowledgedBelowQuorum(results, [new Set(["a", "b", "c"]), new Set(["a"]), new Set(["a"])])).toBe(1);
    expect(acknowledgedBelowQuorum(results, [new Set(), new Set(["a", "b"]), new Set(["b", "a"])])).toBe(0);
  });
});

describe("an answer of the primary", () => {
  const outcomeOf = (status: number, body: unknown): string =>
    classifyAnswer({ status, headers: {}, body: typeof body === "string" ? body : JSON.stringify(body) }).outcome;

  it("misses its quorum only if it says so", () => {
    expect(outcomeOf(503, { reason: "timeout" })).toBe("quorum_not_met");
    expect(outcomeOf(503, { reason: "local_write_failed:disk full" })).toBe("fail");
    expect(outcomeOf(503, "not JSON")).toBe("fail");
    expect(outcomeOf(503, "null")).toBe("fail");
  });

  it("is an acknowledgement with 201 alone", () => {
    expect([outcomeOf(201, {}), outcomeOf(200, {}), outcomeOf(500, {})]).toEqual(["ok", "fail", "fail"]);
  });
});
