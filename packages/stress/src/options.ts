// SPDX-License-Identifier: Apache-2.0
import { FRESHNESS, type Freshness, type StressDriver } from "./drivers/stress-driver.ts";
import { expected, type Flags, readFlags, readSeconds, readSeed, readStoreFaults } from "./flags.ts";
import type { FaultKind } from "./schedule.ts";
import { readSessionOptions, type SessionStressOptions } from "./sessions/session-options.ts";
import { SESSION_STORES } from "./sessions/stores/index.ts";
import { UsageError } from "./usage-error.ts";

/** What is written in place of a driver to run sessions. */
const SESSIONS = "sessions";

const USAGE = `usage: stress --driver NAME [options]

  --driver NAME        the store to run on: DRIVERS; or sessions
  --seconds N          how long, 1 to 600; longer if need be, until each fault has come once (30)
  --faults a,b         of kill, pause, cut, term to a server, store-kill, store-pause, store-cut to the store
                       (all that the driver can take)
  --freshness MODE     lease or confirm: how a leader knows that it may still answer (what the driver does by default)
  --seed S             a whole number; the same seed gives the same faults (drawn, and printed)
  --json FILE          write the report as JSON, too
  --inject-violation   control: corrupt one recorded answer; must exit 1
  --no-tenure-check    control: servers that never look at their tenure; must exit 1
  --help               print this

with --driver sessions, faults hit workers that own sessions, and the same flags but for the tenure's, and:
  --store NAME         what keeps the sessions: STORES (the first)
  --sessions N         how many, 1 to 1000 (100)
  --no-fence-check     control: writes in the name of whoever owns the session; must exit 1

exit: 0 clean, 1 violation or no proof, 2 usage, 3 the harness failed, 130 interrupted
`;

/** The help, with the drivers that there are. */
export function usage(drivers: readonly StressDriver[]): string {
  const list = (named: readonly { readonly name: string }[]): string => named.map(({ name }) => name).join(", ");
  return USAGE.replace("DRIVERS", list(drivers)).replace("STORES", list(SESSION_STORES));
}

export interface StressOptions {
  readonly driver: StressDriver;
  readonly seconds: number;
  readonly faults: readonly FaultKind[];
  readonly seed: number;
  readonly json: string | undefined;
  readonly injectViolation: boolean;
  readonly tenureCheck: boolean;
  readonly freshness: Freshness;
}

/** What the command line asks for. */
export type Request =
  | { readonly kind: "help" }
  | { readonly kind: "driver"; readonly options: StressOptions }
  | { readonly kind: "sessions"; readonly options: SessionStressOptions };

/**
 * Reads the command line.
 *
 * @param drawSeed gives a seed when none is asked for
 * @throws UsageError naming the flag, what was expected and what came
 */
export function readRequest(
  args: readonly string[],
  drivers: readonly StressDriver[],
  drawSeed: () => number,
): Request {
  const flags = readFlags(args);
  if (flags.help === true) return { kind: "help" };
  if (flags.driver === SESSIONS) return { kind: "sessions", options: readSessionOptions(flags, drawSeed) };
  return { kind: "driver", options: readOptions(flags, drivers, drawSeed) };
}

function readOptions(flags: Flags, drivers: readonly StressDriver[], drawSeed: () => number): StressOptions {
  const names = [...drivers.map(({ name }) => name), SESSIONS].join(", ");
  const driver = drivers.find(({ name }) => name === flags.driver);
  if (driver === undefined) throw expected("--driver", `one of ${names}`, flags.driver);
  for (const name of ["store", "sessions", "no-fence-check"] as const) {
    if (flags[name] !== undefined) throw new UsageError(`--${name}: only with --driver ${SESSIONS}`);
  }
  const tenureCheck = flags["no-tenure-check"] !== true;
  if (!tenureCheck && driver.tenureMs === undefined) {
    throw new UsageError(
      `--no-tenure-check: the ${driver.name} driver has no tenure that could be left unchecked; its lock excludes others`,
    );
  }
  return {
    driver,
    seconds: readSeconds(flags.seconds),
    faults: readStoreFaults(flags.faults, driver.refuses, `--driver ${driver.name}`),
    seed: readSeed(flags.seed, drawSeed),
    json: flags.json,
    injectViolation: flags["inject-violation"] === true,
    tenureCheck,
    freshness: readFreshness(flags.freshness, driver),
  };
}

function readFreshness(text: string | undefined, driver: StressDriver): Freshness {
  const [standard = "lease"] = driver.freshness;
  if (text === undefined) return standard;
  const mode = FRESHNESS.find((known) => known === text);
  if (mode === undefined) throw expected("--freshness", FRESHNESS.join(" or "), text);
  if (driver.freshness.includes(mode)) return mode;
  throw new UsageError(`--freshness: the ${driver.name} driver has ${driver.freshness.join(", ")} and no ${mode}`);
}
