// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { generateHistory } from "../src/history/operation.ts";
import { shrink } from "../src/history/shrink.ts";
import { deriveSeed, Random } from "../src/index.ts";
import { memorySubject } from "./memory-subject.ts";

const numbers = Array.from({ length: 40 }, (_, index) => index);

describe("shrink", () => {
  it("keeps exactly what the failure needs, in order", async () => {
    const needs = [3, 17, 31];
    const smallest = await shrink(numbers, async (candidate) => needs.every((n) => candidate.includes(n)), 1_000);
    expect(smallest).toEqual(needs);
  });

  it("ends within its tries, with something that fails", async () => {
    let tries = 0;
    const fails = async (candidate: readonly number[]): Promise<boolean> => {
      tries += 1;
      return candidate.includes(39);
    };
    const smallest = await shrink(numbers, fails, 5);
    expect(tries).toBe(5);
    expect(smallest).toContain(39);
  });

  it("finds the empty list when that fails already", async () => {
    expect(await shrink(numbers, async () => true, 1_000)).toEqual([]);
  });
});

describe("Random", () => {
  it("repeats itself for the same seed and differs for another", () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => random.below(1_000));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("reaches every value below its bound and none beyond", () => {
    const random = new Random(3);
    const seen = new Set(Array.from({ length: 2_000 }, () => random.below(10)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("derives different seeds for different names", () => {
    const names = Array.from({ length: 500 }, (_, index) => `clause ${index}`);
    expect(new Set(names.map((name) => deriveSeed(1, name))).size).toBe(500);
    expect(deriveSeed(1, "a")).not.toBe(deriveSeed(2, "a"));
  });
});

describe("generateHistory", () => {
  it("uses only what the subject has", () => {
    const poor = memorySubject({
      subject: { faults: [], capabilities: { ...memorySubject().capabilities, sequences: false, leases: false } },
    });
    const kinds = new Set(generateHistory(new Random(5), poor, 500).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(["load", "persist", "reopen"]);
    const rich = new Set(generateHistory(new Random(5), memorySubject(), 500).map(({ kind }) => kind));
    expect(rich.size).toBeGreaterThanOrEqual(8);
  });
});
