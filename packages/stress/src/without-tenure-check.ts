// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from "node:timers/promises";
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";

/** Valid for ever: what a server believes that never looks. */
const ETERNAL = Object.freeze({ valid: () => true, confirm: () => Promise.resolve(true) });

/**
 * How late the server hears that it leads no more. A stream of leadership may be late, which is why there are tenures;
 * but a driver whose own timer ends a reign tells its server in the first turn after a pause, before any request is read,
 * and would pass for one that is checked. So would one whose refusal of a write comes first, which is news as well. Long
 * enough for a busy machine, where half of this may pass before the server reads the requests that waited.
 */
const NEWS_LATE_MS = 500;

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
      if (property === "persistHighWater") return lateRefusals(target);
      const value: unknown = Reflect.get(target, property, target);
      // Methods of the driver look at private fields, which a proxy does not have.
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function lateRefusals(driver: ConsensusDriver): ConsensusDriver["persistHighWater"] {
  return async (...call) => {
    try {
      return await driver.persistHighWater(...call);
    } catch (error) {
      await pause(NEWS_LATE_MS);
      throw error;
    }
  };
}

async function* eternal(events: AsyncIterable<LeaderState>): AsyncGenerator<LeaderState> {
  for await (const item of events) {
    if (item.role !== "leader") await pause(NEWS_LATE_MS);
    yield item.role === "leader" && item.tenure !== undefined ? { ...item, tenure: ETERNAL } : item;
  }
}
