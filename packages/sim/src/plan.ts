// SPDX-License-Identifier: Apache-2.0
import { Random } from "./random.ts";

export const FAULTS = [
  "partition_symmetric",
  "partition_one_way",
  "isolate_leader",
  "restart_supporters",
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

/** A fault of its own length, drawn apart from the others, so that what a seed means without it stays as it was. */
interface LongFault {
  readonly kind: "wipe_newcomer" | "never_met";
  /** Share of the cases that may have it. */
  readonly share: number;
  readonly number: number;
  readonly betweenMs: readonly [number, number];
  /** Another stream of random numbers for each. */
  readonly stream: number;
  readonly leastNodes: number;
}

const LONG_FAULTS: readonly LongFault[] = [
  { kind: "wipe_newcomer", share: 0.1, number: 100, betweenMs: [1_500, 3_500], stream: 8, leastNodes: 3 },
  // From the beginning. Three of five can form the cluster while two have not met.
  { kind: "never_met", share: 0.3, number: 101, betweenMs: [0, 0], stream: 9, leastNodes: 5 },
];
const LONG_FAULT_MS = 9_000;

export type FaultKind = (typeof FAULTS)[number] | LongFault["kind"];

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
  readonly profile: Profile;
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
  /** How far ahead of the clock a leader may serve; a long one lets a leader that is deposed try for longer. */
  readonly windowMs: number;
  readonly faults: readonly Fault[];
}

/** What a case is about. The first is drawn for half of the cases. */
export const PROFILES = ["mixed", "leases", "divergence", "disks", "members"] as const;
export type Profile = (typeof PROFILES)[number];

const FAULTS_OF: Readonly<Record<Profile, readonly FaultKind[]>> = {
  mixed: FAULTS,
  leases: [
    "isolate_leader",
    "restart_supporters",
    "restart_supporters",
    "partition_symmetric",
    "partition_symmetric",
    "pause",
    "suspend",
    "slow_disk",
    "crash",
    "crash",
    "transfer",
    "restart_all",
    "step_wall_clock",
  ],
  divergence: ["isolate_leader", "isolate_leader", "isolate_leader", "partition_one_way", "crash", "transfer", "pause"],
  disks: [
    "crash_at_operation",
    "power_loss_at_operation",
    "power_loss",
    "flip_bit",
    "sync_error",
    "write_error",
    "full_disk",
    "restart_all",
  ],
  members: [
    "add_member",
    "remove_member",
    "wipe",
    "clone",
    "flip_bit",
    "transfer",
    "crash",
    "partition_symmetric",
    "isolate_leader",
  ],
};

export interface CaseOptions {
  /** Drawn if left out. */
  readonly profile?: Profile | undefined;
  readonly nodes?: number | undefined;
  /** Numbers of the faults to keep; all if left out. */
  readonly keep?: readonly number[] | undefined;
  readonly safetyMs?: number | undefined;
}

/** Draws a case from its seed. */
export function planCase(seed: number, options: CaseOptions = {}): CasePlan {
  const random = new Random(seed, 1);
  const drawn = random.chance(0.5) ? "mixed" : (random.pick(PROFILES) as Profile);
  const profile = options.profile ?? drawn;
  const nodes = random.chance(0.2) ? 5 : 3;
  const noise = drawNoise(random, profile);
  const planned = random.between(2_500, 6_500);
  const storm = random.chance(0.5);
  const oneFreshness = random.chance(0.6) ? ("lease" as const) : ("confirm" as const);
  const plan = {
    seed,
    profile,
    nodes: options.nodes ?? nodes,
    heartbeatMs: 100,
    electionTicks: 4 + random.int(3),
    drift: random.chance(0.5) ? 0.1 : 0.2,
    freshness: profile === "leases" ? ("lease" as const) : oneFreshness,
    snapshotEntries: storm ? 2 + random.int(6) : 10 + random.int(40),
    trailingEntries: storm ? random.int(4) : random.int(20),
    segmentBytes: 4_096 * (1 + random.int(3)),
    noise,
    requestEveryMs: random.between(35, 120),
  };
  const long = LONG_FAULTS.flatMap((fault) => drawLongFault(fault, seed, plan));
  const faults = [...drawFaults(random, profile, planned), ...long];
  const windowMs = random.chance(0.5) ? 150 : 3_000;
  const { keep } = options;
  return {
    ...plan,
    safetyMs: options.safetyMs ?? planned + (long.length > 0 ? LONG_FAULT_MS : 0),
    windowMs,
    faults: keep === undefined ? faults : faults.filter(({ number }) => keep.includes(number)),
  };
}

function drawNoise(random: Random, profile: Profile): Noise {
  const quiet = random.chance(0.3);
  const [drop, duplicate, delay, longest] = [
    random.between(0, 0.15),
    random.between(0, 0.1),
    random.between(0, 0.2),
    random.between(50, 1_500),
  ];
  // What came too late is what leases must not be counted from.
  if (profile === "leases") return { drop: drop / 4, duplicate: 0, delay: 0.1 + delay, longestDelayMs: longest };
  if (quiet) return { drop: 0, duplicate: 0, delay: 0.01, longestDelayMs: 60 };
  return { drop, duplicate, delay, longestDelayMs: longest };
}

function drawFaults(random: Random, profile: Profile, untilMs: number): readonly Fault[] {
  const choice = FAULTS_OF[profile];
  const count = 2 + random.int(6);
  const focus = random.chance(0.4) ? (random.pick(choice) as FaultKind) : undefined;
  return Array.from({ length: count }, (_, number): Fault => {
    const any = random.pick(choice) as FaultKind;
    const kind = focus !== undefined && random.chance(0.5) ? focus : any;
    return { number, kind, atMs: random.between(100, untilMs), seed: random.seed() };
  });
}

function drawLongFault(
  { kind, share, number, betweenMs, stream, leastNodes }: LongFault,
  seed: number,
  { profile, nodes }: Pick<CasePlan, "profile" | "nodes">,
): readonly Fault[] {
  const random = new Random(seed, stream);
  if ((profile !== "members" && profile !== "mixed") || nodes < leastNodes || !random.chance(share)) return [];
  return [{ number, kind, atMs: random.between(...betweenMs), seed: random.seed() }];
}
