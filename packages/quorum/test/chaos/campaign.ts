// SPDX-License-Identifier: Apache-2.0
import { Cluster } from "./cluster.ts";
import { runCycle } from "./cycle.ts";
import type { FaultClass } from "./fault.ts";
import {
  type ClassSummary,
  type CycleEvidence,
  type CycleLine,
  judgeCampaign,
  judgeClass,
  type Verdict,
} from "./judge.ts";
import type { WriterKind } from "./node/writer-kind.ts";
import { type CyclePlan, planCycle } from "./plan.ts";

export interface CampaignRun {
  readonly cycles: number;
  readonly writes: number;
  readonly faults: readonly FaultClass[];
  readonly seed: number;
  readonly lanes: number;
  readonly writer: WriterKind;
  /** A partition also lasts until a write that began in it has its answer. */
  readonly holdUntilAnswered?: boolean;
  readonly onCycle?: (line: CycleLine) => void;
}

export interface CampaignReport {
  readonly verdict: Verdict;
  readonly classes: readonly ClassSummary[];
  readonly evidence: readonly CycleEvidence[];
}

/** Runs all cycles, in as many clusters as there are lanes; every cycle has a store of its own. */
export async function runCampaign(run: CampaignRun): Promise<CampaignReport> {
  const { cycles, writes, faults, seed } = run;
  const plans = faults.flatMap((fault) =>
    Array.from({ length: cycles }, (_, index) => planCycle(fault, seed, index + 1, writes)),
  );
  const evidence: CycleEvidence[] = [];
  const queue = plans.values();
  const lanes = Array.from({ length: Math.min(run.lanes, plans.length) }, () => runLane(run, queue, evidence));
  const failures = (await Promise.allSettled(lanes)).filter((lane) => lane.status === "rejected");
  if (failures[0] !== undefined) throw failures[0].reason;
  const classes = faults.map((fault) =>
    judgeClass(
      fault,
      evidence.filter(({ line }) => line.fault === fault),
    ),
  );
  return { verdict: judgeCampaign(classes), classes, evidence };
}

/** One cluster, cycle after cycle from the common queue. */
async function runLane(run: CampaignRun, queue: Iterable<CyclePlan>, evidence: CycleEvidence[]): Promise<void> {
  await using cluster = await Cluster.start(run.writer);
  for (const plan of queue) {
    const one = await runCycle({
      cluster,
      plan,
      writes: run.writes,
      holdUntilAnswered: run.holdUntilAnswered ?? false,
    });
    evidence.push(one);
    run.onCycle?.(one.line);
  }
}
