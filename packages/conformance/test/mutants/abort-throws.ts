// SPDX-License-Identifier: Apache-2.0
import { altered, type Mutant, mutant } from "./mutant.ts";

export const abortThrows: Mutant = mutant("abort-throws", "Aborting a stream makes it throw.", ["leadership.abort"], {
  wrap: (driver) =>
    altered(driver, {
      leadershipEvents: async function* (options) {
        yield* driver.leadershipEvents(options);
        options.signal.throwIfAborted();
      },
    }),
});
