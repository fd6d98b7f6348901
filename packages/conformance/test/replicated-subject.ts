// SPDX-License-Identifier: Apache-2.0
import { type MemoryUniverse, type MemoryVariant, memorySubject } from "./memory-subject.ts";
import { altered } from "./mutants/mutant.ts";
import { type RegisterFlaws, ReplicatedRegister } from "./replicated-register.ts";

/** The memory driver whose high-water is in three stores, of which one may be wiped. */
export function replicatedVariant(name: string, flaws: RegisterFlaws = {}): MemoryVariant {
  return {
    subject: {
      name,
      stores: 3,
      faults: ["crash", "loseReply", "stall", "elect", "partition", "setSequence", "wipe"],
    },
    wrap: (driver, { world }) =>
      altered(driver, {
        loadHighWater: async (options) => {
          await driver.loadHighWater(options);
          return registerOf(world, flaws).read();
        },
        persistHighWater: async (atLeast, epoch, options) => {
          // The store below checks epoch and range; what it keeps itself is not looked at.
          await driver.persistHighWater(atLeast, epoch, options);
          return registerOf(world, flaws).raise(atLeast);
        },
      }),
    faults: (world) => ({ wipe: async (store) => registerOf(world, flaws).wipe(store) }),
  };
}

export const replicatedSubject = (): ReturnType<typeof memorySubject> => memorySubject(replicatedVariant("replicated"));

function registerOf(world: MemoryUniverse, flaws: RegisterFlaws): ReplicatedRegister {
  const register = (world.memory.get("register") as ReplicatedRegister | undefined) ?? new ReplicatedRegister(flaws);
  world.memory.set("register", register);
  return register;
}
