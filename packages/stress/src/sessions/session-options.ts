// SPDX-License-Identifier: Apache-2.0
import { expected, type Flags, readSeconds, readSeed, readStoreFaults } from "../flags.ts";
import type { FaultKind } from "../schedule.ts";
import { UsageError } from "../usage-error.ts";
import { SESSION_STORES, sessionStore } from "./stores/index.ts";
import type { SessionStressStore } from "./stores/session-store.ts";

export interface SessionStressOptions {
  readonly store: SessionStressStore;
  readonly sessions: number;
  readonly seconds: number;
  readonly faults: readonly FaultKind[];
  readonly seed: number;
  readonly json: string | undefined;
  readonly injectViolation: boolean;
  readonly fenceCheck: boolean;
}

const MAX_SESSIONS = 1_000;

/**
 * Reads the flags of `--driver sessions`.
 *
 * @param drawSeed gives a seed when none is asked for
 * @throws UsageError naming the flag, what was expected and what came
 */
export function readSessionOptions(flags: Flags, drawSeed: () => number): SessionStressOptions {
  const store = sessionStore(flags.store);
  const names = SESSION_STORES.map(({ name }) => name).join(", ");
  if (store === undefined) throw expected("--store", `one of ${names}`, flags.store);
  for (const name of ["freshness", "no-tenure-check"] as const) {
    if (flags[name] !== undefined) throw new UsageError(`--${name}: sessions have no tenure, but fences; leave it out`);
  }
  const fenceCheck = flags["no-fence-check"] !== true;
  if (!fenceCheck && store.workers === 1) {
    throw new UsageError(
      `--no-fence-check: one process at a time has the ${store.name} store open, so nobody is there to be fenced`,
    );
  }
  return {
    store,
    sessions: readSessions(flags.sessions),
    seconds: readSeconds(flags.seconds),
    faults: readStoreFaults(flags.faults, store.refuses, `--driver sessions --store ${store.name}`),
    seed: readSeed(flags.seed, drawSeed),
    json: flags.json,
    injectViolation: flags["inject-violation"] === true,
    fenceCheck,
  };
}

function readSessions(text: string | undefined): number {
  if (text === undefined) return 100;
  const count = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_SESSIONS) return count;
  throw expected("--sessions", `a whole number from 1 to ${MAX_SESSIONS}`, text);
}
