// SPDX-License-Identifier: Apache-2.0
import { epochOf } from "@tsoracle/consensus";
import { epoch } from "@tsoracle/core";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const regressingEpoch: Mutant = mutant(
  "regressing-epoch",
  "A follower repeats the epoch before the newest.",
  ["leadership.epoch-order"],
  {
    wrap: (driver) =>
      altered(driver, {
        leadershipEvents: async function* (options) {
          for await (const item of driver.leadershipEvents(options)) {
            yield item;
            const newest = epochOf(item) ?? 0n;
            if (item.role === "follower" && newest > 1n) yield { ...item, leaderEpoch: epoch(newest - 1n) };
          }
        },
      }),
  },
);
