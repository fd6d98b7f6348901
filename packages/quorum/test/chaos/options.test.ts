// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { FAULT_CLASSES, WRITES_AT_ONCE } from "./fault.ts";
import { readOptions, UsageError } from "./options.ts";
import { planCycle, WRITES_MIN } from "./plan.ts";

const read = (line: string): ReturnType<typeof readOptions> => readOptions(line.split(" ").filter(Boolean), () => 77);

describe("the command line of the chaos campaign", () => {
  it("runs 200 cycles of 100 writes of every class by default", () => {
    expect(read("")).toEqual({
      cycles: 200,
      writes: 100,
      faults: FAULT_CLASSES,
      seed: 77,
      lanes: 4,
      writer: "quorum",
      json: undefined,
    });
  });

  it("takes what it is told, also behind a separator", () => {
    expect(
      read("-- --cycles 2 --writes 10 --fault drop_random_acks --seed 0 --lanes 1 --json f --control local_only"),
    ).toEqual({
      cycles: 2,
      writes: 10,
      faults: ["drop_random_acks"],
      seed: 0,
      lanes: 1,
      writer: "local_only",
      json: "f",
    });
  });

  it("asks for nothing when it is asked for help", () => expect(read("--help --cycles 0")).toBeUndefined());

  it.each([
    ["--cycles 0", '--cycles: expected a whole number from 1 to 10000, got "0"'],
    ["--cycles 1e3", '--cycles: expected a whole number from 1 to 10000, got "1e3"'],
    ["--writes 9", '--writes: expected a whole number from 10 to 10000, got "9"'],
    [
      "--fault kill",
      '--fault: expected one of kill_primary_mid_write, partition_minority, drop_random_acks, clock_skew_peer, got "kill"',
    ],
    ["--seed -1", "--seed"],
    ["--seed 4294967296", '--seed: expected a whole number from 0 to 4294967295, got "4294967296"'],
    ["--lanes 17", "--lanes: expected a whole number from 1 to 16"],
    ["--control quorum", '--control: expected one of local_only, cancels_stragglers, got "quorum"'],
    ["--json=", '--json: expected the name of a file, got ""'],
    ["--wat", "--wat"],
    ["more", "more"],
  ])("refuses %s", (line, message) => {
    expect(() => read(line)).toThrow(UsageError);
    expect(() => read(line)).toThrow(message);
  });
});

describe("the plan of a cycle", () => {
  const plans = (seed: number, writes = 100) =>
    FAULT_CLASSES.flatMap((fault) =>
      Array.from({ length: 60 }, (_, index) => planCycle(fault, seed, index + 1, writes)),
    );

  it("is the same for the same seed, and another for another", () => {
    expect(plans(5)).toEqual(plans(5));
    expect(plans(5)).not.toEqual(plans(6));
  });

  it.each([0, 1, 4_294_967_295])("hits each node that the fault can hit, in turn where it can: seed %d", (seed) => {
    const victims = (fault: string): number[] =>
      plans(seed)
        .filter((plan) => plan.fault === fault)
        .map(({ victim }) => victim);
    expect(new Set(victims("kill_primary_mid_write"))).toEqual(new Set([0]));
    const cut = victims("partition_minority");
    for (let first = 0; first + 3 <= cut.length; first += 1) {
      expect(new Set(cut.slice(first, first + 3)).size).toBe(3);
    }
    expect(new Set(victims("drop_random_acks"))).toEqual(new Set([1, 2]));
    expect(new Set(victims("clock_skew_peer"))).toEqual(new Set([1, 2]));
  });

  it.each([WRITES_MIN, 11, 100])("leaves a write to begin after the fault has, of %d", (writes) => {
    for (const { fault, afterAnswers } of plans(3, writes)) {
      if (fault === "clock_skew_peer") expect(afterAnswers).toBe(0);
      else expect(afterAnswers).toBeGreaterThan(0);
      expect(afterAnswers + WRITES_AT_ONCE).toBeLessThan(writes);
    }
  });

  it("states times that are wrong enough to be warned of, in both directions", () => {
    const skews = plans(9)
      .filter(({ fault }) => fault === "clock_skew_peer")
      .map(({ skewMs }) => skewMs);
    expect(Math.min(...skews.map(Math.abs))).toBeGreaterThan(30_000);
    expect([Math.max(...skews) > 0, Math.min(...skews) < 0]).toEqual([true, true]);
  });
});
