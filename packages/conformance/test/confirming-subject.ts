// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, ConsensusDriver, DriverCapabilities, Tenure } from "@tsoracle/consensus";
import { MEMORY_CAPABILITIES } from "@tsoracle/consensus/memory";
import { type Epoch, PHYSICAL_MS_ZERO } from "@tsoracle/core";
import { isRefusal } from "../src/probes.ts";
import { type MemoryVariant, memorySubject } from "./memory-subject.ts";
import { altered } from "./mutants/mutant.ts";

const capabilities: DriverCapabilities = Object.freeze({ ...MEMORY_CAPABILITIES, realTimeOrder: "confirm" });

type Confirm = (options?: CallOptions) => Promise<boolean>;

/** The memory driver in the mode in which a leader asks its store before it answers. A flaw replaces how it asks. */
export function confirmingVariant(name: string, flaw: (ask: Confirm) => Confirm = (ask) => ask): MemoryVariant {
  return {
    subject: { name, capabilities },
    wrap: (driver) =>
      altered(driver, {
        capabilities,
        leadershipEvents: async function* (options) {
          for await (const item of driver.leadershipEvents(options)) {
            if (item.role !== "leader" || item.tenure === undefined) yield item;
            else yield { ...item, tenure: confirming(driver, item.epoch, item.tenure, flaw) };
          }
        },
      }),
  };
}

export const confirmingSubject = (): ReturnType<typeof memorySubject> => memorySubject(confirmingVariant("confirming"));

/** By a write that raises nothing: a store that lets the epoch write lets nobody newer reign. */
function confirming(driver: ConsensusDriver, epoch: Epoch, tenure: Tenure, flaw: (ask: Confirm) => Confirm): Tenure {
  const ask: Confirm = async (options) => {
    try {
      await driver.persistHighWater(PHYSICAL_MS_ZERO, epoch, options);
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  };
  return { valid: () => tenure.valid(), confirm: flaw(ask) };
}
