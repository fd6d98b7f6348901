// SPDX-License-Identifier: Apache-2.0
import type { Random } from "../random.ts";
import type { SimNode, World } from "./cluster.ts";
import { Cuts, when } from "./cuts.ts";
import { wipeDirectory } from "./lost-disks.ts";

/**
 * One member hears nothing while another one joins and is promoted. Then the new one's disk is lost and formatted again,
 * and the first to hear of it is the member that lagged, which does not know better. Then it learns of the new member and
 * its disk, and stands for election while it hears nobody but the lost disk's successor, whose votes it must not
 * count (I3).
 */
export function wipeNewcomer(world: World, random: Random): void {
  const leader = world.leader();
  const laggard = random.pick(candidates(world).filter(({ id }) => id !== leader?.id));
  if (leader === undefined || laggard === undefined) return;
  const known = new Set(world.nodes.keys());
  const cuts = new Cuts(world);
  world.operator.grow();
  const joined = (): SimNode | undefined => candidates(world).find(({ id }) => !known.has(id));
  when(
    world,
    () => {
      cuts.isolate(laggard.id);
      const newcomer = joined();
      return newcomer !== undefined && world.operator.canLose(newcomer.id);
    },
    () => {
      const newcomer = joined();
      if (newcomer !== undefined) replaceDisk(world, random, laggard, newcomer, cuts);
    },
    () => cuts.mendAll(),
  );
}

function candidates(world: World): SimNode[] {
  const { voters } = world.judge.configs.latest;
  return [...world.nodes.values()].filter(({ id, fate, formed }) => fate === "member" && formed && voters.has(id));
}

function replaceDisk(world: World, random: Random, laggard: SimNode, newcomer: SimNode, cuts: Cuts): void {
  cuts.isolate(newcomer.id);
  cuts.mend(laggard.id, newcomer.id);
  wipeDirectory(world, random, newcomer);
  // Its operator has named the new member's address, which it cannot know yet.
  laggard.peers = [...laggard.peers, newcomer.id];
  world.stop(laggard, "process", random.between(10, 60));
  const met = (): boolean => {
    const links = laggard.process?.alive === true ? [...laggard.process.links()] : [];
    const calls = links.some(({ peer, state }) => peer === newcomer.id && state === "open");
    return calls && laggard.process?.inbound.has(newcomer.id) === true;
  };
  when(
    world,
    met,
    () => {
      world.counts.lost_disks_met_by_laggards += 1;
      for (const id of world.nodes.keys()) if (id !== newcomer.id) cuts.mend(laggard.id, id);
      leaveAlone(world, laggard, newcomer, cuts);
    },
    () => cuts.mendAll(),
  );
}

function leaveAlone(world: World, laggard: SimNode, newcomer: SimNode, cuts: Cuts): void {
  const impostor = newcomer.impostor;
  const knows = (): boolean => laggard.process?.alive === true && laggard.view.voters.has(newcomer.id);
  when(
    world,
    knows,
    () => {
      if (impostor?.alive === true) world.counts.lost_disks_known_later += 1;
      for (const id of world.nodes.keys()) if (id !== newcomer.id) cuts.cut(laggard.id, id);
      world.at(3_000, () => cuts.mendAll());
    },
    () => cuts.mendAll(),
  );
}
