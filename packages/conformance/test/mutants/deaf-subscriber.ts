// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { altered, type Mutant, mutant } from "./mutant.ts";

export const deafSubscriber: Mutant = mutant(
  "deaf-subscriber",
  "A third concurrent subscriber gets the current state and nothing more.",
  ["leadership.subscribers"],
  {
    wrap: (driver) => {
      let subscribers = 0;
      return altered(driver, {
        leadershipEvents: async function* (options) {
          const deaf = subscribers >= 2;
          subscribers += 1;
          try {
            for await (const item of driver.leadershipEvents(options)) {
              yield item;
              if (deaf && !options.signal.aborted) await once(options.signal, "abort");
            }
          } finally {
            subscribers -= 1;
          }
        },
      });
    },
  },
);
