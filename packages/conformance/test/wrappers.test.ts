// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { faulty, MEMORY_CAPABILITIES } from "@tsoracle/consensus/memory";
import { describe, it } from "vitest";
import { conformance, Random } from "../src/index.ts";
import { confirmingSubject } from "./confirming-subject.ts";
import { memorySubject } from "./memory-subject.ts";
import { altered, alteredLeases, alteredSequences } from "./mutants/mutant.ts";
import { replicatedSubject } from "./replicated-subject.ts";

/** Answers every call a little late, by a seed, as any remote store does. */
function slow(driver: ConsensusDriver, random: Random): ConsensusDriver {
  const underway = new Set<Promise<unknown>>();
  const late = async <T>(call: Promise<T>): Promise<T> => {
    const answer = call.finally(() => delay(random.below(3)));
    underway.add(answer);
    return await answer;
  };
  return altered(driver, {
    loadHighWater: (options) => late(driver.loadHighWater(options)),
    persistHighWater: (atLeast, epoch, options) => late(driver.persistHighWater(atLeast, epoch, options)),
    sequences: alteredSequences(driver, (sequences) => ({
      load: (key, options) => late(sequences.load(key, options)),
      advance: (entries, epoch, options) => late(sequences.advance(entries, epoch, options)),
    })),
    leases: alteredLeases(driver, (leases) => ({
      load: (options) => late(leases.load(options)),
      replace: (live, epoch, options) => late(leases.replace(live, epoch, options)),
    })),
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      await Promise.allSettled(underway);
    },
  });
}

const withoutOptions = Object.freeze({ ...MEMORY_CAPABILITIES, sequences: false, leases: false });

conformance(
  { describe, it },
  memorySubject({ subject: { name: "faulty without a fault" }, wrap: (inner) => faulty(inner) }),
);
conformance(
  { describe, it },
  memorySubject({ subject: { name: "slow memory" }, wrap: (inner) => slow(inner, new Random(1)) }),
);
conformance(
  { describe, it },
  memorySubject({
    subject: { name: "memory without options", capabilities: withoutOptions },
    wrap: (inner) => altered(inner, { capabilities: withoutOptions, sequences: undefined, leases: undefined }),
  }),
);
conformance({ describe, it }, confirmingSubject());
conformance({ describe, it }, replicatedSubject());
