// SPDX-License-Identifier: Apache-2.0
import { seqKey } from "../../src/probes.ts";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const sequenceForgetsOnClose: Mutant = mutant(
  "sequence-forgets-on-close",
  "Closing a node in good order loses a counter that stands above two.",
  ["history.model"],
  {
    wrap: (driver, { world }) =>
      altered(driver, {
        [Symbol.asyncDispose]: async () => {
          await driver[Symbol.asyncDispose]();
          const key = seqKey("a");
          const reader = world.store.open(99);
          const next = (await reader.sequences?.load(key)) ?? 0n;
          await reader[Symbol.asyncDispose]();
          if (next > 2n) world.store.setSequence(key, 2n);
        },
      }),
  },
);
