// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { PROFILES, type Profile } from "./plan.ts";

export interface SimOptions {
  readonly seeds: number;
  readonly seed: number;
  readonly nodes: number | undefined;
  readonly profile: Profile | undefined;
  readonly keep: readonly number[] | undefined;
  readonly safetyMs: number | undefined;
  /** Part of the name or the rule of the mutants that are meant. */
  readonly mutant: string;
  readonly json: string | undefined;
  readonly jobs: number;
  readonly mode: "run" | "canary" | "mutants" | "worker";
}

export const USAGE = `corepack pnpm sim [--only raft] [--seeds N] [--seed S] [--nodes 3|5] [--jobs J] [--json FILE] [--canary] [--mutants]

  --seeds N      cases to play, default 1000; --seed S is the first of their seeds, default 1
  --nodes 3|5    size of every cluster; drawn for each case if left out
  --jobs J       processes that share the cases, default 1
  --json FILE    write the result there, too
  --canary       play cases of one mutant and fail unless it is caught: shows that the simulation can fail
  --mutants      play every mutant until it is caught, and list where; --mutant TEXT: only those whose name or rule has it
  --profile P    what the cases are about: mixed, leases, divergence, disks or members; drawn for each if left out
  --keep 1,4     with --seed and --seeds 1: only these faults of the case; --safety-ms M: a shorter first phase`;

/** @throws TypeError naming the option that is wrong. */
export function readOptions(args: readonly string[]): SimOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      seeds: { type: "string" },
      seed: { type: "string" },
      nodes: { type: "string" },
      profile: { type: "string" },
      keep: { type: "string" },
      "safety-ms": { type: "string" },
      json: { type: "string" },
      jobs: { type: "string" },
      canary: { type: "boolean" },
      mutants: { type: "boolean" },
      mutant: { type: "string" },
      worker: { type: "boolean" },
    },
  });
  if (values.only !== undefined && values.only !== "raft") {
    throw new TypeError(`--only: expected raft, which is all there is to simulate, got '${values.only}'`);
  }
  const nodes = values.nodes === undefined ? undefined : whole("nodes", values.nodes);
  if (nodes !== undefined && nodes !== 3 && nodes !== 5) throw new TypeError(`--nodes: expected 3 or 5, got ${nodes}`);
  return {
    seeds: whole("seeds", values.seeds ?? (values.seed === undefined ? "1000" : "1")),
    seed: whole("seed", values.seed ?? "1"),
    nodes,
    profile: profileOf(values.profile),
    keep: values.keep
      ?.split(",")
      .filter(isText)
      .map((text) => whole("keep", text)),
    safetyMs: values["safety-ms"] === undefined ? undefined : whole("safety-ms", values["safety-ms"]),
    mutant: values.mutant ?? "",
    json: values.json,
    jobs: whole("jobs", values.jobs ?? "1"),
    mode:
      values.worker === true
        ? "worker"
        : values.mutants === true || values.mutant !== undefined
          ? "mutants"
          : values.canary === true
            ? "canary"
            : "run",
  };
}

function profileOf(text: string | undefined): Profile | undefined {
  const profile = PROFILES.find((name) => name === text);
  if (text !== undefined && profile === undefined) {
    throw new TypeError(`--profile: expected one of ${PROFILES.join(", ")}, got '${text}'`);
  }
  return profile;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === "") {
    throw new TypeError(`--${name}: expected a whole number of at least 0, got '${text}'`);
  }
  return value;
}

function isText(text: string): boolean {
  return text !== "";
}
