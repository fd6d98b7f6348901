// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, DriverCapabilities } from "@tsoracle/consensus";
import { MEMORY_CAPABILITIES } from "@tsoracle/consensus/memory";
import { MemoryUniverse, type MemoryVariant, memorySubject } from "../memory-subject.ts";
import { type Mutant, withoutTenure } from "./mutant.ts";

const capabilities: DriverCapabilities = Object.freeze({
  ...MEMORY_CAPABILITIES,
  topology: "single",
  realTimeOrder: "exclusive",
});

/** Whoever opens gets in, beside whoever is there. */
class OpenHouse extends MemoryUniverse {
  override readonly faults = {};
  #opened = 0;

  override open(): Promise<ConsensusDriver> {
    this.#opened += 1;
    return super.open(this.#opened);
  }
}

const variant: MemoryVariant = { wrap: (driver) => withoutTenure(driver, { capabilities }) };
const NO_NODES = "its nodes have no fixed numbers to inject a fault into";

export const noLock: Mutant = {
  name: "no-lock",
  mistake: "A driver that says it is exclusive keeps nobody out.",
  breaks: ["lifecycle.exclusive"],
  subject: {
    ...memorySubject(variant),
    name: "no-lock",
    capabilities,
    nodes: 1,
    faults: [],
    waivers: {
      crash: NO_NODES,
      loseReply: NO_NODES,
      stall: NO_NODES,
      elect: NO_NODES,
      partition: NO_NODES,
      setSequence: NO_NODES,
      wipe: NO_NODES,
    },
    provision: async () => new OpenHouse(variant),
  },
};
