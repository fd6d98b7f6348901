// SPDX-License-Identifier: Apache-2.0
import type { Random } from "../random.ts";
import type { World } from "./cluster.ts";
import { Cuts, when } from "./cuts.ts";

/**
 * Two first members never hear each other, and one of them is removed: the other one takes part on the word of the others
 * (docs/decisions/0003). Any fault may come on top.
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
