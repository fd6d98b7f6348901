// SPDX-License-Identifier: Apache-2.0
// The memory driver under node:test, as a driver's author without vitest would run the kit.
import { describe, it } from "node:test";
import { conformance } from "@tsoracle/conformance";
import { MEMORY_CAPABILITIES, MemoryStore } from "@tsoracle/consensus/memory";
import { peerEndpoint } from "@tsoracle/core";

const broken = process.env["BROKEN"] === "yes";
const unable = "this program shows the runner, not the faults";

conformance(
  { describe, it },
  {
    name: "memory",
    capabilities: MEMORY_CAPABILITIES,
    nodes: 3,
    faults: ["elect"],
    waivers: { crash: unable, loseReply: unable, stall: unable, partition: unable, setSequence: unable, wipe: unable },
    resigns: true,
    seqKeyCap: 10,
    provision: async () => {
      const store = new MemoryStore({ seqKeyCap: 10, autoElect: true });
      const open = new Set();
      return {
        open: async (node) => {
          const driver = store.open(node, { endpoint: peerEndpoint(`node-${node}.example:5055`) });
          open.add(driver);
          if (broken) driver.persistHighWater = async (atLeast) => atLeast;
          return driver;
        },
        faults: { elect: async (node) => void store.elect(node) },
        [Symbol.asyncDispose]: async () => {
          for (const driver of open) await driver[Symbol.asyncDispose]();
        },
      };
    },
  },
);
