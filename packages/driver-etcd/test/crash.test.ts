// SPDX-License-Identifier: Apache-2.0
import { waitOutMs } from "@tsoracle/consensus";
import { describe, expect, it } from "vitest";
import { OracleKeys } from "../src/keys.ts";
import { SimulatedEtcd } from "./simulated-etcd.ts";
import { bootstrap, SimulatedNode, terms } from "./simulated-node.ts";
import { World } from "./simulated-world.ts";

/** Nothing is lost, every way takes the same time, and an event of the watch overtakes the answer to its write. */
const calm = (): number => 0.5;

describe("the successor of a leader that is gone", () => {
  it("counts its wait from the last beat it saw, although its watch shows it its own record before the answer", async () => {
    const world = new World(calm);
    const etcd = new SimulatedEtcd(world);
    bootstrap(etcd, new OracleKeys("/tsoracle/main/"), "lease");
    const nodes = [0, 1].map((index) => new SimulatedNode(world, etcd, index, "lease"));
    const look = (): void => {
      etcd.expire();
      world.in(10, look);
    };
    look();
    for (const node of nodes) node.start(() => {});
    const until = async (reached: () => boolean): Promise<void> => {
      while (!reached()) await world.step();
    };
    await until(() => nodes.some(({ leading }) => leading !== undefined));
    await until(() => world.nowMs > 5_000);
    const [old, successor] = nodes[0]?.leading === undefined ? nodes.toReversed() : nodes;
    if (old === undefined || successor === undefined) throw new Error("there are two nodes");
    old.link.isCut = true;
    const goneAtMs = world.nowMs;
    await until(() => successor.leading !== undefined);
    // Its lease at etcd has ended before the tenure has: a few ways to etcd and the next look are all that is added.
    expect(world.nowMs - goneAtMs).toBeLessThan(waitOutMs(terms) + 50);
    for (const node of nodes) node.stop();
  });
});
