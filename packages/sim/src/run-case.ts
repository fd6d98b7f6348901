// SPDX-License-Identifier: Apache-2.0

import type { Counts } from "./counters.ts";
import type { CasePlan } from "./plan.ts";
import type { Subject } from "./subject.ts";
import { Violation } from "./violation.ts";
import type { SimProcess } from "./world/cluster.ts";
import { applyFault } from "./world/faults.ts";
import { SimWorld } from "./world/world.ts";

/** What became of one case. */
export interface CaseResult {
  readonly seed: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly hash: string;
  readonly counts: Counts;
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  /** The last events, if they were asked for. */
  readonly last: readonly string[];
}

/** Virtual time within which a healed cluster must decide again, in election timeouts for each node; reconnects come on top. */
const ELECTIONS_PER_NODE = 12;
const RECONNECT_MS = 8_000;

/** Plays one case: faults and clients, then the healing, then a decision that every surviving member must reach. */
export function runCase(subject: Subject, plan: CasePlan, recording = false): CaseResult {
  const world = new SimWorld(subject, plan, recording);
  const violation = judged(() => {
    for (const fault of plan.faults) {
      // What holds from the beginning must hold before anybody has called anybody.
      if (fault.atMs === 0) applyFault(world, fault);
      else world.at(fault.atMs, () => applyFault(world, fault));
    }
    world.runUntil(plan.safetyMs);
    world.heal();
    mustDecide(world);
  });
  collect(world);
  const { trace, counts, nowMs } = world;
  return {
    seed: plan.seed,
    steps: trace.steps,
    virtualMs: nowMs,
    hash: trace.hash,
    counts,
    violation,
    last: trace.last,
  };
}

function judged(play: () => void): CaseResult["violation"] {
  try {
    play();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return { invariant: error.invariant, message: error.message };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { invariant: "simulator", message: text };
  }
}

/** Liveness: a leader, a new commit, and every surviving member applies it. */
function mustDecide(world: SimWorld): void {
  const { heartbeatMs, electionTicks } = world.plan;
  const limitMs = ELECTIONS_PER_NODE * world.nodes.size * electionTicks * heartbeatMs + RECONNECT_MS;
  const decidedBefore = world.judge.committed.lastIndex;
  const isDone = (): boolean => world.judge.committed.lastIndex > decidedBefore && allFollow(world, decidedBefore + 1);
  const done = world.runUntil(world.nowMs + limitMs, isDone);
  if (!done) {
    throw new Violation(
      "liveness",
      `${limitMs} ms after everything was mended: committed ${world.judge.committed.lastIndex}, before ${decidedBefore}; ${stateOf(world)}`,
    );
  }
  world.counts.liveness_checked += 1;
}

function allFollow(world: SimWorld, index: number): boolean {
  const { voters, learners } = world.judge.configs.latest;
  return [...voters, ...learners].every((id) => {
    const node = world.nodes.get(id);
    if (node === undefined || node.fate !== "member") return true;
    return node.process?.alive === true && node.view.applied >= index;
  });
}

function stateOf(world: SimWorld): string {
  const about = (process: SimProcess | undefined): string =>
    process?.alive === true
      ? `term ${process.node.view.term} applied ${process.node.view.applied} reign ${process.reign}`
      : "down";
  return [...world.nodes.values()].map(({ id, fate, process }) => `node ${id} (${fate}): ${about(process)}`).join("; ");
}

function collect(world: SimWorld): void {
  const { counts } = world;
  for (const { disk, slowSteps } of world.nodes.values()) {
    const { crashes, powerLosses, lostWrites, tornWrites, reorderedWrites, lostDirectoryEntries, bitFlips } =
      disk.counters;
    counts.power_losses += powerLosses;
    counts.lost_writes += lostWrites;
    counts.torn_writes += tornWrites;
    counts.reordered_writes += reorderedWrites;
    counts.lost_directory_entries += lostDirectoryEntries;
    counts.bit_flips += bitFlips;
    counts.crashes_at_operation += crashes;
    counts.sync_errors += disk.counters.syncErrors;
    counts.write_errors += disk.counters.writeErrors;
    counts.full_disks += disk.counters.fullDisk;
    counts.slow_disk_steps += slowSteps;
  }
  for (const process of world.processes()) process.end();
}
