// SPDX-License-Identifier: Apache-2.0
import { Random } from "./random.ts";

/**
 * - `kill`: SIGKILL, and a new start after a while.
 * - `pause`: SIGSTOP for longer than a tenure lasts, then SIGCONT.
 * - `cut`: nothing passes between the server and its store, or its peers.
 * - `term`: SIGTERM, an orderly hand-over, and a new start.
 */
export type ServerFaultKind = "kill" | "pause" | "cut" | "term";

/** The same to the store: to as many of its processes as may fail together. What it acknowledged is on disk and stays. */
export type StoreFaultKind = "store-kill" | "store-pause" | "store-cut";

export type FaultKind = ServerFaultKind | StoreFaultKind;

export const FAULT_KINDS: readonly FaultKind[] = [
  ...(["kill", "pause", "cut", "term"] as const),
  ...(["store-kill", "store-pause", "store-cut"] as const),
];

export type FaultTarget = "leader" | "follower" | "store";

/** What a cut does to the bytes: they wait and arrive late, they are lost, or the connections are reset and refused. */
export type CutMode = "hold" | "drop" | "reset";

const CUT_MODES: readonly CutMode[] = ["hold", "drop", "reset"];

/** One fault as drawn. Durations are in milliseconds. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** `store` for the faults of the store, and only for those. */
  readonly target: FaultTarget;
  /** How long the service is left alone before it. */
  readonly calmMs: number;
  /** From the fault to its end: the new start, SIGCONT, or the bytes that pass again. */
  readonly lastsMs: number;
  /** Only of a cut. */
  readonly cutMode?: CutMode;
}

export interface ScheduleTerms {
  readonly seed: number;
  /** At least one; each once in a round. */
  readonly kinds: readonly FaultKind[];
  readonly servers: number;
  /** How long a pause or a cut lasts. For a driver with tenures, longer than a successor waits. */
  readonly outageMs: readonly [least: number, most: number];
}

const CALM_MS = [400, 1_200] as const;
const DOWN_MS = [0, 1_000] as const;
/** Of the faults after the first round. Those of the first hit the leader, so that a short run proves something too. */
const LEADER_SHARE = 0.75;

/**
 * The faults of a run, without end: whoever runs them stops when time is up. In rounds, so that each kind comes equally
 * often, in an order drawn for each round.
 */
export function* faultSchedule(terms: ScheduleTerms): Generator<PlannedFault, never> {
  const random = new Random(terms.seed);
  if (terms.kinds.length === 0) throw new RangeError("expected at least one kind of fault");
  for (let round = 1; ; round += 1) {
    for (const kind of random.shuffled(terms.kinds)) yield draw(random, kind, round, terms);
  }
}

function draw(random: Random, kind: FaultKind, round: number, { servers, outageMs }: ScheduleTerms): PlannedFault {
  const calmMs = random.between(...CALM_MS);
  const role = random.next() < LEADER_SHARE || round === 1 || servers === 1 ? "leader" : "follower";
  const cutMode = random.pick(CUT_MODES);
  const outage = (): number => random.between(...outageMs);
  const down = (): number => random.between(...DOWN_MS);
  switch (kind) {
    case "kill":
    case "term":
      return { kind, target: role, calmMs, lastsMs: down() };
    case "pause":
      return { kind, target: role, calmMs, lastsMs: outage() };
    case "cut":
      return { kind, target: role, calmMs, lastsMs: outage(), cutMode };
    case "store-kill":
      // Sometimes back before a tenure is over, and sometimes not.
      return { kind, target: "store", calmMs, lastsMs: random.between(DOWN_MS[0], outageMs[1]) };
    case "store-pause":
      return { kind, target: "store", calmMs, lastsMs: outage() };
    case "store-cut":
      return { kind, target: "store", calmMs, lastsMs: outage(), cutMode };
    default:
      return kind satisfies never;
  }
}
