// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";

/** Valid for ever: what a server believes that never looks. */
const ETERNAL = Object.freeze({ valid: () => true, confirm: () => Promise.resolve(true) });

/**
 * The control: the same driver, whose tenures never end as far as the server can tell. Everything else is the driver's
 * own, its epochs among it, so that timestamps stay unique and only their order in real time is lost. A run that does
 * not notice could not notice a stale leader either.
 */
export function withoutTenureCheck(driver: ConsensusDriver): ConsensusDriver {
  return new Proxy(driver, {
    get(target, property) {
      if (property === "leadershipEvents") {
        return (options: { readonly signal: AbortSignal }) => eternal(target.leadershipEvents(options));
      }
      const value: unknown = Reflect.get(target, property, target);
      // Methods of the driver look at private fields, which a proxy does not have.
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function* eternal(events: AsyncIterable<LeaderState>): AsyncGenerator<LeaderState> {
  for await (const item of events) {
    yield item.role === "leader" && item.tenure !== undefined ? { ...item, tenure: ETERNAL } : item;
  }
}
