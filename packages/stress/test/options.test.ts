// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { STRESS_DRIVERS } from "../src/drivers/index.ts";
import { readRequest, usage } from "../src/options.ts";
import { UsageError } from "../src/usage-error.ts";

const read = (...args: string[]) => {
  const request = readRequest(args, STRESS_DRIVERS, () => 42);
  return request.kind === "driver" ? request.options : undefined;
};

const readSessions = (...args: string[]) => {
  const request = readRequest(["--driver", "sessions", ...args], STRESS_DRIVERS, () => 42);
  return request.kind === "sessions" ? request.options : undefined;
};

describe("options", () => {
  it("have defaults: every fault that the driver can take, and a drawn seed", () => {
    expect(read("--driver", "redis")).toMatchObject({
      seconds: 30,
      faults: ["kill", "pause", "cut", "term", "store-kill", "store-pause", "store-cut"],
      seed: 42,
      tenureCheck: true,
      freshness: "lease",
      injectViolation: false,
    });
    expect(read("--driver", "file")?.faults).toEqual(["kill", "pause", "term"]);
    expect(read("--driver", "raft")).toMatchObject({ faults: ["kill", "pause", "cut", "term"], freshness: "confirm" });
  });

  it("are read as they are given, also after the -- that pnpm may leave", () => {
    const args = ["--", "--driver", "postgres", "--seconds", "60", "--faults", "cut,kill", "--seed", "0"];
    expect(
      read(...args, "--json", "r.json", "--inject-violation", "--no-tenure-check", "--freshness", "confirm"),
    ).toMatchObject({
      driver: { name: "postgres" },
      seconds: 60,
      faults: ["cut", "kill"],
      seed: 0,
      json: "r.json",
      injectViolation: true,
      tenureCheck: false,
      freshness: "confirm",
    });
  });

  it("name every driver of the table in their help", () => {
    for (const { name } of STRESS_DRIVERS) expect(usage(STRESS_DRIVERS)).toMatch(new RegExp(`--driver NAME .*${name}`));
  });

  it("ask for help before anything else is looked at", () => {
    expect(readRequest(["--driver", "mongo", "--help"], STRESS_DRIVERS, () => 42)).toEqual({ kind: "help" });
  });

  it.each<[string, string[], RegExp]>([
    ["no driver", [], /--driver: expected one of file, postgres, redis.*, got none/],
    ["an unknown driver", ["--driver", "mongo"], /got "mongo"/],
    ["an unknown flag", ["--driver", "file", "--sead", "1"], /--sead/],
    [
      "a fault that is none",
      ["--driver", "file", "--faults", "kill,kil"],
      /kill, pause, cut, term, store-kill, .*got "kill,kil"/,
    ],
    ["no fault", ["--driver", "file", "--faults", ""], /--faults/],
    ["a fault twice", ["--driver", "file", "--faults", "kill,kill"], /each fault once/],
    ["a cut where nothing can be cut", ["--driver", "file", "--faults", "cut"], /no connection to cut/],
    ["a store that has no process", ["--driver", "file", "--faults", "store-kill"], /has no process/],
    ["a store where servers have each other", ["--driver", "raft", "--faults", "store-cut"], /servers are the store/],
    ["a mode that is none", ["--driver", "redis", "--freshness", "none"], /lease or confirm, got "none"/],
    ["a mode that the driver lacks", ["--driver", "file", "--freshness", "confirm"], /has lease and no confirm/],
    ["no time", ["--driver", "file", "--seconds", "0"], /from 1 to 600, got "0"/],
    ["too much time", ["--driver", "file", "--seconds", "601"], /from 1 to 600/],
    ["half a second", ["--driver", "file", "--seconds", "1.5"], /whole number/],
    ["a seed beyond 32 bits", ["--driver", "file", "--seed", "4294967296"], /--seed/],
    ["a control without a tenure", ["--driver", "file", "--no-tenure-check"], /has no tenure/],
  ])("refuse %s", (_, args, message) => {
    expect(() => read(...args)).toThrow(UsageError);
    expect(() => read(...args)).toThrow(message);
  });
});

describe("options of sessions", () => {
  it("have defaults: a hundred sessions on Postgres, and every fault that it can take", () => {
    expect(readSessions()).toMatchObject({
      store: { name: "postgres" },
      sessions: 100,
      seconds: 30,
      faults: ["kill", "pause", "cut", "term", "store-kill", "store-pause", "store-cut"],
      seed: 42,
      fenceCheck: true,
      injectViolation: false,
    });
    expect(readSessions("--store", "file")?.faults).toEqual(["kill", "pause", "term"]);
  });

  it("are read as they are given", () => {
    const args = ["--sessions", "7", "--seconds", "60", "--faults", "cut,kill", "--seed", "0", "--json", "r.json"];
    expect(readSessions(...args, "--inject-violation", "--no-fence-check")).toMatchObject({
      sessions: 7,
      seconds: 60,
      faults: ["cut", "kill"],
      seed: 0,
      json: "r.json",
      injectViolation: true,
      fenceCheck: false,
    });
  });

  it.each<[string, string[], RegExp]>([
    ["an unknown store", ["--driver", "sessions", "--store", "mongo"], /--store: expected one of postgres, .*"mongo"/],
    ["no session", ["--driver", "sessions", "--sessions", "0"], /--sessions: expected .* from 1 to 1000, got "0"/],
    ["a cut of a directory", ["--driver", "sessions", "--store", "file", "--faults", "cut"], /no connection to cut/],
    [
      "a control of a store with one process",
      ["--driver", "sessions", "--store", "file", "--no-fence-check"],
      /fenced/,
    ],
    ["a tenure", ["--driver", "sessions", "--no-tenure-check"], /no tenure, but fences/],
    [
      "a store of sessions for a driver",
      ["--driver", "redis", "--store", "file"],
      /--store: only with --driver sessions/,
    ],
  ])("refuse %s", (_, args, message) => {
    expect(() => readRequest(args, STRESS_DRIVERS, () => 42)).toThrow(message);
  });
});

describe("driver table", () => {
  it.each(STRESS_DRIVERS)("lets outages of $name outlast the wait of a successor, where there is one", (driver) => {
    const [least, most] = driver.outageMs;
    expect(most).toBeGreaterThan(least);
    if (driver.tenureMs === undefined) return;
    // D(1+ρ) and the longest poll, D/10 (`postgres-redis.md` 2.7).
    expect(least).toBeGreaterThan(1.2 * driver.tenureMs);
  });
});
