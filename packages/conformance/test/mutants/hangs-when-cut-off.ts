// SPDX-License-Identifier: Apache-2.0
import { type FaultyDriver, faulty } from "@tsoracle/consensus/memory";
import { type Mutant, mutant } from "./mutant.ts";

export const hangsWhenCutOff: Mutant = mutant(
  "hangs-when-cut-off",
  "A call waits for as long as the node is cut off.",
  ["latency.partition"],
  {
    wrap: (driver, { node, world }) => {
      const patient = faulty(driver, { callTimeoutMs: 600_000 });
      world.memory.set(`patient ${node}`, patient);
      return patient;
    },
    faults: (world) => ({
      partition: async (groups) => {
        const nodes = groups.slice(1).flat();
        world.succeed(nodes, groups[0] ?? []);
        const releases = nodes.map((node) => (world.memory.get(`patient ${node}`) as FaultyDriver).faults.stall());
        return () => {
          for (const release of releases) release();
        };
      },
    }),
  },
);
