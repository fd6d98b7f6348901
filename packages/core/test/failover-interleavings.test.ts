// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { FailoverMachine } from "../src/index.ts";
import { everyPath, everySituation } from "./failover-explorer.ts";
import { ADVANCE_MS, GuaranteeBroken } from "./failover-monitor.ts";
import * as mutants from "./mutants/failover-mutants.ts";

const make = (): FailoverMachine => new FailoverMachine({ failoverAdvanceMs: ADVANCE_MS });

const interesting: readonly string[] = [
  "serve #1",
  "draining:shutdown",
  "loading:shutdown",
  "persisting:shutdown",
  "backing_off:shutdown",
  "serving:shutdown",
  "persisting:stream_ended",
  "persisting:stream_failed",
  "persisting:done_short",
  "superseded draining:done",
  "superseded loading:done",
  "superseded loading:transient",
  "superseded loading:permanent",
  "superseded loading:stepped_down",
  "superseded loading:unknown",
  "loading:leader_older",
  "backing_off:leader_same",
  "backing_off:follower",
  "serving:deposed",
  "serving:leader_same",
  "silent:late_done:waiting",
  "silent:late_refusal:persisting",
];

describe("FailoverMachine over every order of events", () => {
  it("keeps its guarantees on every path of up to six events", { timeout: 120_000 }, () => {
    const { paths, seen } = everyPath(make, 6);
    expect(paths).toBeGreaterThan(50_000);
    expect([...seen]).toEqual(expect.arrayContaining([...interesting]));
  });

  it("keeps its guarantees in every situation that paths of any length reach", () => {
    const { situations, seen } = everySituation(make);
    expect(situations).toBeGreaterThan(100);
    expect([...seen]).toEqual(
      expect.arrayContaining([
        ...interesting,
        "serve #2",
        "superseded persisting:done",
        "superseded persisting:done_short",
        "superseded persisting:permanent",
        "superseded persisting:shutdown",
        "silent:deposed_old:serving",
        "silent:deposed:persisting",
        "silent:late_done:serving",
      ]),
    );
  });

  it.each([
    ["ServesWhenSuperseded", mutants.ServesWhenSuperseded, "G1"],
    ["LeavesGateShut", mutants.LeavesGateShut, "G5: a stop leaves the gate open"],
    ["StartsAtLoadedHighWater", mutants.StartsAtLoadedHighWater, "G3: the floor"],
    ["IgnoresLoad", mutants.IgnoresLoad, "G3: the floor"],
    ["TrustsItsOwnRequest", mutants.TrustsItsOwnRequest, "G3: the ceiling"],
    ["TakesLateAnswers", mutants.TakesLateAnswers, "has no effect"],
    ["EndsWrongReign", mutants.EndsWrongReign, "has no effect"],
    ["StopsBeforeClear", mutants.StopsBeforeClear, "G4"],
  ])("catches the mutant %s by the guarantee it breaks", (_name, Mutant, guarantee) => {
    const run = (): unknown => everySituation(() => new Mutant());
    expect(run).toThrow(GuaranteeBroken);
    expect(run).toThrow(guarantee);
  });
});
