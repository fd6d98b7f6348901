// SPDX-License-Identifier: Apache-2.0

import type { Random } from "../random.ts";
import { hold, Violation } from "../violation.ts";
import type { SimNode, World } from "./cluster.ts";

/** Long enough for two processes of one node to give each other away. */
const CALM_MS = 5_000;

/** One bit of one file changes while the node is down. It must not start if anything that it answered for is hit (C4). */
export function flipBit(world: World, random: Random, node: SimNode): void {
  if (!world.operator.canLose(node.id) || node.process?.alive !== true || node.full) return;
  world.stop(node, "process", undefined);
  const { disk } = node;
  const name = random.pick(disk.list());
  if (name === undefined) return;
  const file = disk.open(name);
  const size = file.size();
  // Most of a segment is still empty; the interesting part is near its beginning.
  const offset = random.chance(0.7) ? random.int(Math.min(size, 2_048)) : random.int(size);
  file.close();
  if (size > 0) disk.flipBit(name, offset, random.int(8));
  node.flipped = true;
  world.start(node);
}

/**
 * All files are gone. The empty directory must not start (I1). Somebody formats it again under the same id, with the same
 * first members: its peers know the storage that belongs to the node, and refuse it (I2, I3).
 */
export function wipeDirectory(world: World, random: Random, node: SimNode): void {
  if (!world.operator.canLose(node.id)) return;
  const { subject, plan, counts } = world;
  world.stop(node, "process", undefined);
  world.lose(node);
  const { disk } = node;
  node.armed = undefined;
  node.full = false;
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  disk.wipe();
  try {
    subject.openStorage(disk, { lock: "none", segmentBytes: plan.segmentBytes });
  } catch {
    counts.wiped_refused_empty += 1;
    subject.formatStorage(disk, {
      clusterId: "simulated",
      nodeId: node.id,
      storageId: Buffer.from(random.bytes(16)).toString("hex"),
      genesis: node.genesis,
      segmentBytes: plan.segmentBytes,
      ...(node.genesis.length > 0 ? { initialSnapshot: subject.genesisSnapshot(node.genesis, 100) } : {}),
    });
    world.at(random.between(0, 500), () => {
      node.impostor = world.startDouble(node, disk, "wiped disk");
    });
    return;
  }
  throw new Violation("I1", `the empty directory of node ${node.id} starts`);
}

/**
 * The directory is copied and started a second time, while the first one runs and is heard. Both must be refused by
 * everybody (I4). Nothing else happens meanwhile: a copy that takes the place of a node that is silent cannot be told from
 * its restart.
 */
export function cloneDirectory(world: World, node: SimNode): void {
  const { process } = node;
  if (!world.operator.canLose(node.id) || process?.alive !== true || process.paused) return;
  const others = world.processes().filter((other) => other !== process);
  if (others.length < world.judge.configs.latest.voters.size - 1) return;
  if (
    !others.every((other) => !other.paused && other.inbound.has(node.id) && !world.network.blocked(node.id, other.id))
  )
    return;
  // Which of the two lives is found out by what a refusal asks for, so refusals must arrive.
  if (others.some((other) => world.network.blocked(other.id, node.id))) return;
  // One that waits for others calls them anew from time to time, and is silent in between.
  if ([...world.nodes.values()].some(({ fate, formed }) => fate === "member" && !formed)) return;
  if ([...world.nodes.values()].some(({ restartPlanned, full }) => restartPlanned || full)) return;
  world.calmUntilMs = world.nowMs + CALM_MS;
  for (const each of world.nodes.values()) {
    each.armed = undefined;
    each.slowSyncMs = 0;
  }
  const clone = world.startDouble(node, node.disk.clone(), "clone");
  world.at(CALM_MS, () => {
    for (const { state, peer } of clone.links()) {
      hold(state !== "open", "I4", () => `node ${peer} still listens to ${clone.name}`);
    }
    // Whoever put them there stops both.
    clone.end();
    if (node.fate === "member") world.stop(node, "process", undefined);
    world.lose(node);
  });
}
