// SPDX-License-Identifier: Apache-2.0
import { Random } from "./random.ts";

export const FAULTS = [
  "partition_symmetric",
  "partition_one_way",
  "break_streams",
  "pause",
  "suspend",
  "step_wall_clock",
  "crash",
  "crash_at_operation",
  "power_loss",
  "power_loss_at_operation",
  "flip_bit",
  "sync_error",
  "write_error",
  "full_disk",
  "slow_disk",
  "wipe",
  "clone",
  "restart_all",
  "transfer",
  "add_member",
  "remove_member",
] as const;

export type FaultKind = (typeof FAULTS)[number];

/** One fault: when it begins, and the seed of all that it draws, so that leaving out another one does not change it. */
export interface Fault {
  readonly number: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly seed: number;
}

export interface Noise {
  readonly drop: number;
  readonly duplicate: number;
  readonly delay: number;
  readonly longestDelayMs: number;
}

/** Everything about one case that is drawn before it begins. */
export interface CasePlan {
  readonly seed: number;
  readonly nodes: number;
  readonly heartbeatMs: number;
  readonly electionTicks: number;
  readonly drift: number;
  readonly freshness: "lease" | "confirm";
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
  readonly segmentBytes: number;
  readonly noise: Noise;
  readonly safetyMs: number;
  readonly requestEveryMs: number;
  readonly faults: readonly Fault[];
}

export interface CaseOptions {
  readonly nodes?: number | undefined;
  /** Numbers of the faults to keep; all if left out. */
  readonly keep?: readonly number[] | undefined;
  readonly safetyMs?: number | undefined;
}

/** Draws a case from its seed. */
export function planCase(seed: number, options: CaseOptions = {}): CasePlan {
  const random = new Random(seed, 1);
  const nodes = random.chance(0.2) ? 5 : 3;
  const noisy = random.next();
  const noise: Noise =
    noisy < 0.3
      ? { drop: 0, duplicate: 0, delay: 0.01, longestDelayMs: 60 }
      : {
          drop: random.between(0, 0.15),
          duplicate: random.between(0, 0.1),
          delay: random.between(0, 0.2),
          longestDelayMs: random.between(50, 1_500),
        };
  const planned = random.between(6_000, 13_000);
  const electionTicks = 4 + random.int(5);
  const storm = random.chance(0.5);
  const plan = {
    seed,
    nodes: options.nodes ?? nodes,
    heartbeatMs: 100,
    electionTicks,
    drift: random.chance(0.5) ? 0.1 : 0.2,
    freshness: random.chance(0.6) ? ("lease" as const) : ("confirm" as const),
    snapshotEntries: storm ? 2 + random.int(6) : 10 + random.int(40),
    trailingEntries: storm ? random.int(4) : random.int(20),
    segmentBytes: 4_096 * (1 + random.int(3)),
    noise,
    safetyMs: options.safetyMs ?? planned,
    requestEveryMs: random.between(20, 80),
  };
  const count = 3 + random.int(9);
  const focus = random.chance(0.4) ? (random.pick(FAULTS) as FaultKind) : undefined;
  const faults = Array.from({ length: count }, (_, number): Fault => {
    const any = random.pick(FAULTS) as FaultKind;
    const kind = focus !== undefined && random.chance(0.5) ? focus : any;
    return { number, kind, atMs: random.between(200, planned), seed: random.seed() };
  });
  const { keep } = options;
  return { ...plan, faults: keep === undefined ? faults : faults.filter(({ number }) => keep.includes(number)) };
}
