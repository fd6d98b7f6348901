// SPDX-License-Identifier: Apache-2.0

import type { DiskOperation } from "@tsoracle/driver-raft/simulation";
import type { Fault } from "../plan.ts";
import { Random } from "../random.ts";
import { hold } from "../violation.ts";
import type { SimNode, World } from "./cluster.ts";
import { cloneDirectory, flipBit, wipeDirectory } from "./lost-disks.ts";
import { neverMet } from "./never-met.ts";
import { wipeNewcomer } from "./wipe-newcomer.ts";

/** Does one fault to the cluster, and plans its end. */
export function applyFault(world: World, fault: Fault): void {
  if (world.healed || world.nowMs < world.calmUntilMs) return;
  const random = new Random(fault.seed, 7);
  const nodes = [...world.nodes.values()].filter(({ fate }) => fate === "member");
  const node = random.pick(nodes);
  if (node === undefined) return;
  world.trace.say(() => `${world.nowMs.toFixed(1)} fault ${fault.number}: ${fault.kind} (node ${node.id})`);
  const { counts } = world;
  switch (fault.kind) {
    case "partition_symmetric":
    case "partition_one_way":
      partition(world, random, nodes, fault.kind === "partition_one_way");
      return;
    case "isolate_leader":
      isolateLeader(world, random);
      return;
    case "restart_supporters":
      restartSupporters(world, random, nodes);
      return;
    case "break_streams":
      for (const other of nodes) if (random.chance(0.5)) world.breakStreams(node.id, other.id);
      return;
    case "pause":
      pause(world, random, node, false);
      return;
    case "suspend":
      pause(world, random, node, true);
      return;
    case "step_wall_clock":
      counts.wall_clock_steps += 1;
      node.clock.stepWall(random.between(-3_000, 3_000));
      return;
    case "crash":
    case "power_loss":
      if (node.process?.alive !== true) return;
      counts.crashes_between_steps += 1;
      world.stop(node, fault.kind === "crash" ? "process" : "power", downtime(random));
      return;
    case "crash_at_operation":
    case "power_loss_at_operation":
      arm(random, node, fault.kind === "crash_at_operation" ? "process" : "power", {
        kind: random.chance(0.5) ? "crash_before" : "crash_after",
      });
      return;
    case "sync_error":
      arm(random, node, "process", { kind: "error", code: "EIO" }, isSync);
      return;
    case "write_error":
      arm(random, node, "process", { kind: "error", code: random.chance(0.5) ? "EIO" : "ENOSPC" }, (it) => !isSync(it));
      return;
    case "full_disk":
      fillDisk(world, random, node);
      return;
    case "slow_disk":
      node.slowSyncMs = random.between(5, 250);
      world.at(random.between(300, 3_000), () => {
        node.slowSyncMs = 0;
      });
      return;
    case "flip_bit":
      flipBit(world, random, node);
      return;
    case "wipe":
      wipeDirectory(world, random, node);
      return;
    case "clone":
      cloneDirectory(world, node);
      return;
    case "restart_all":
      counts.restarts_of_all += 1;
      for (const each of nodes) world.stop(each, random.chance(0.5) ? "process" : "power", downtime(random));
      return;
    case "transfer":
      transfer(world, random, node);
      return;
    case "add_member":
      world.operator.grow();
      return;
    case "remove_member":
      world.operator.retire();
      return;
    case "wipe_newcomer":
      wipeNewcomer(world, random);
      return;
    case "never_met":
      neverMet(world, random);
      return;
    default:
      fault.kind satisfies never;
  }
}

function downtime(random: Random): number {
  return random.chance(0.5) ? random.between(1, 60) : random.between(60, 2_500);
}

function isSync({ kind }: DiskOperation): boolean {
  return kind === "fdatasync" || kind === "sync_directory";
}

function partition(world: World, random: Random, nodes: readonly SimNode[], oneWay: boolean): void {
  const inside = new Set(nodes.filter(() => random.chance(0.5)).map(({ id }) => id));
  // Often it is only the leader and one other node that do not hear each other; the third one hears both.
  const leader = world.leader();
  const other = random.pick(nodes.filter(({ id }) => id !== leader?.id));
  const onlyPair = leader !== undefined && other !== undefined && random.chance(0.5);
  const isCut = (from: number, to: number): boolean => {
    if (onlyPair) return from + to === leader.id + other.id && (from === other.id || from === leader.id);
    return inside.has(from) !== inside.has(to);
  };
  const pairs: [number, number][] = [];
  for (const from of world.nodes.keys()) {
    for (const to of world.nodes.keys()) {
      if (from === to || !isCut(from, to)) continue;
      if (!oneWay || (onlyPair ? from === leader.id : inside.has(from))) pairs.push([from, to]);
    }
  }
  if (pairs.length === 0) return;
  const forMs = random.between(200, 5_000);
  if (random.chance(0.3)) world.idleUntilMs = world.nowMs + forMs;
  world.counts[oneWay ? "partitions_one_way" : "partitions_symmetric"] += 1;
  for (const [from, to] of pairs) world.network.cut(from, to);
  world.at(forMs, () => {
    for (const [from, to] of pairs) world.network.mend(from, to);
  });
}

/**
 * The leader hears nobody, or nobody hears it, while clients go on asking it. Sometimes it stops for a while meanwhile, and
 * knows nothing of it when it wakes up; sometimes the others stall right before, and count their ticks late.
 */
function isolateLeader(world: World, random: Random): void {
  const leader = world.leader();
  if (leader === undefined) return;
  const stallMs = random.chance(0.3) ? random.between(80, 199) : 0;
  const pauseMs = stallMs === 0 && random.chance(0.4) ? random.between(300, 1_500) : 0;
  if (stallMs > 0) {
    for (const node of world.nodes.values()) if (node !== leader.node) stall(world, node, stallMs + random.next() * 2);
  }
  const oneWay = random.chance(0.2);
  const forMs = pauseMs + random.between(300, 2_500);
  world.at(stallMs, () => {
    if (world.healed) return;
    world.counts[oneWay ? "partitions_one_way" : "partitions_symmetric"] += 1;
    const pairs: [number, number][] = [];
    for (const id of world.nodes.keys()) {
      if (id === leader.id) continue;
      pairs.push([leader.id, id]);
      if (!oneWay) pairs.push([id, leader.id]);
    }
    for (const [from, to] of pairs) world.network.cut(from, to);
    if (pauseMs > 0) stall(world, leader.node, pauseMs);
    world.at(forMs, () => {
      for (const [from, to] of pairs) world.network.mend(from, to);
    });
  });
}

function stall(world: World, node: SimNode, forMs: number): void {
  if (node.process?.alive !== true) return;
  world.counts.pauses += 1;
  node.pausedUntilMs = Math.max(node.pausedUntilMs, world.nowMs + forMs);
}

/**
 * One node does not hear the leader and would like to be elected, while the others, on whose answers the lease rests, start
 * again and again: what they have forgotten must not help it (Q4).
 */
function restartSupporters(world: World, random: Random, nodes: readonly SimNode[]): void {
  const leader = world.leader();
  const rival = random.pick(nodes.filter(({ id }) => id !== leader?.id));
  if (leader === undefined || rival === undefined) return;
  world.counts.partitions_symmetric += 1;
  world.network.cut(leader.id, rival.id);
  world.network.cut(rival.id, leader.id);
  const forMs = random.between(1_000, 3_500);
  // Whoever lacks entries is not elected anyway, so nothing is written meanwhile.
  world.idleUntilMs = world.nowMs + forMs;
  world.at(forMs, () => {
    world.network.mend(leader.id, rival.id);
    world.network.mend(rival.id, leader.id);
  });
  for (let atMs = random.between(200, 700); atMs < forMs; atMs += random.between(150, 800)) {
    world.at(atMs, () => {
      for (const node of nodes) {
        if (node === rival || node === leader.node || world.healed || node.process?.alive !== true) continue;
        world.counts.crashes_between_steps += 1;
        world.stop(node, "process", random.between(8, 30));
      }
    });
  }
}

/** The process stops, or the whole machine with its monotonic clock; messages wait. */
function pause(world: World, random: Random, node: SimNode, suspend: boolean): void {
  if (node.process?.alive !== true) return;
  const forMs = random.chance(0.6) ? random.between(50, 1_500) : random.between(1_500, 4_500);
  world.counts[suspend ? "suspends" : "pauses"] += 1;
  node.pausedUntilMs = Math.max(node.pausedUntilMs, world.nowMs + forMs);
  if (suspend) node.clock.suspended(forMs);
  world.at(3_000, () => {
    if (world.nowMs >= node.pausedUntilMs) return;
    for (const id of world.nodes.keys()) {
      world.breakStreams(node.id, id);
      world.breakStreams(id, node.id);
    }
  });
}

function arm(
  random: Random,
  node: SimNode,
  ending: "process" | "power",
  fault: NonNullable<SimNode["armed"]>["fault"],
  matches: (operation: DiskOperation) => boolean = () => true,
): void {
  if (node.process?.alive !== true || node.armed !== undefined) return;
  node.armed = { passing: random.int(30), matches, fault, ending, downMs: downtime(random), fired: false };
}

function fillDisk(world: World, random: Random, node: SimNode): void {
  if (node.process?.alive !== true || node.full) return;
  node.full = true;
  node.disk.capacityBytes = 1;
  world.at(random.between(300, 3_000), () => {
    node.full = false;
    node.disk.capacityBytes = Number.POSITIVE_INFINITY;
  });
}

function transfer(world: World, random: Random, node: SimNode): void {
  const leader = world.leader();
  if (leader === undefined) return;
  leader.enqueue(() => {
    const handed = leader.replica.transfer(random.chance(0.5) ? node.id : undefined);
    if (!handed) return;
    world.counts.transfers += 1;
    hold(leader.replica.reign === undefined, "E12", () => `${leader.name} reigns on after it has handed over`);
  });
}
