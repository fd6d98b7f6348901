// SPDX-License-Identifier: Apache-2.0
import { type FenceRecord, judgeClaim } from "./fence-rule.ts";

/**
 * Where a durable fence keeps its promise. One record, which only rises.
 *
 * - `load` answers the record of the latest `raise` that took effect, undefined while there is none.
 * - `raise` writes the candidate, in one atomic step, if nothing is held, if the candidate is higher, or
 *   if it is what is held already. It answers what is held afterwards, and only once that is durable.
 * - A `raise` that rejects has an unknown outcome: done, not done, or done later. Even a late one never
 *   lowers anything, because the condition is checked where the write happens.
 *
 * The SQL and Lua statements of this package do this in Postgres and Redis.
 */
export interface FenceStore {
  load(): Promise<FenceRecord | undefined>;
  raise(candidate: FenceRecord): Promise<FenceRecord>;
}

/** A store that lasts as long as the process: for tests, and the executable form of the port's rules. */
export class MemoryFenceStore implements FenceStore {
  #held: FenceRecord | undefined;

  async load(): Promise<FenceRecord | undefined> {
    return this.#held;
  }

  async raise(candidate: FenceRecord): Promise<FenceRecord> {
    const held = this.#held;
    if (held !== undefined && !judgeClaim(held, candidate).ok) return held;
    this.#held = candidate;
    return candidate;
  }
}
