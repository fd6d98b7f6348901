// SPDX-License-Identifier: Apache-2.0
import type { Random } from "../random.ts";
import type { World } from "./cluster.ts";
import { Cuts, when } from "./cuts.ts";

/**
 * Two first members never hear each other. Where the others can form the cluster without them, one of the two is removed;
 * the other one waits for it, and must be told (docs/decisions/0003). It may be any of the disks' faults that comes next.
 */
export function neverMet(world: World, random: Random): void {
  const waiting = random.pick([...world.nodes.keys()]);
  const gone = random.pick([...world.nodes.keys()].filter((id) => id !== waiting));
  if (waiting === undefined || gone === undefined) return;
  const cuts = new Cuts(world);
  cuts.cut(waiting, gone);
  const mend = (): void => cuts.mendAll();
  const isRemoved = (): boolean => !world.judge.configs.latest.voters.has(gone);
  when(
    world,
    () => world.leader() !== undefined,
    () => {
      world.operator.retire(gone);
      when(world, isRemoved, () => {}, mend);
    },
    mend,
  );
}
