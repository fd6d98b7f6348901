// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { FRESHNESS, type Freshness, type StressDriver } from "./drivers/stress-driver.ts";
import { FAULT_KINDS, type FaultKind } from "./schedule.ts";
import { UsageError } from "./usage-error.ts";

const USAGE = `usage: stress --driver NAME [options]

  --driver NAME        the store to run on: DRIVERS
  --seconds N          how long, 1 to 600; longer if need be, until each fault has come once (30)
  --faults a,b         of kill, pause, cut, term to a server, store-kill, store-pause, store-cut to the store
                       (all that the driver can take)
  --freshness MODE     lease or confirm: how a leader knows that it may still answer (what the driver does by default)
  --seed S             a whole number; the same seed gives the same faults (drawn, and printed)
  --json FILE          write the report as JSON, too
  --inject-violation   control: corrupt one recorded answer; must exit 1
  --no-tenure-check    control: servers that never look at their tenure; must exit 1
  --help               print this

exit: 0 clean, 1 violation or no proof, 2 usage, 3 the harness failed, 130 interrupted
`;

/** The help, with the drivers that there are. */
export function usage(drivers: readonly StressDriver[]): string {
  return USAGE.replace("DRIVERS", drivers.map(({ name }) => name).join(", "));
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

const MAX_SECONDS = 600;
const MAX_SEED = 2 ** 32 - 1;

/**
 * Reads the command line; undefined when it asks for help.
 *
 * @param drawSeed gives a seed when none is asked for
 * @throws UsageError naming the flag, what was expected and what came
 */
export function readOptions(
  args: readonly string[],
  drivers: readonly StressDriver[],
  drawSeed: () => number,
): StressOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const names = drivers.map(({ name }) => name).join(", ");
  const driver = drivers.find(({ name }) => name === values.driver);
  if (driver === undefined) throw expected("--driver", `one of ${names}`, values.driver);
  const tenureCheck = values["no-tenure-check"] !== true;
  if (!tenureCheck && driver.tenureMs === undefined) {
    throw new UsageError(
      `--no-tenure-check: the ${driver.name} driver has no tenure that could be left unchecked; its lock excludes others`,
    );
  }
  return {
    driver,
    seconds: whole("--seconds", values.seconds ?? "30", 1, MAX_SECONDS),
    faults: readFaults(values.faults, driver),
    seed: values.seed === undefined ? drawSeed() : whole("--seed", values.seed, 0, MAX_SEED),
    json: values.json,
    injectViolation: values["inject-violation"] === true,
    tenureCheck,
    freshness: readFreshness(values.freshness, driver),
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: args.filter((arg) => arg !== "--"),
      options: {
        driver: { type: "string" },
        seconds: { type: "string" },
        faults: { type: "string" },
        seed: { type: "string" },
        json: { type: "string" },
        freshness: { type: "string" },
        "inject-violation": { type: "boolean" },
        "no-tenure-check": { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A name that is not known would inject nothing and prove nothing (`tsoracle-behaviour.md` 9.5). */
function readFaults(text: string | undefined, driver: StressDriver): readonly FaultKind[] {
  if (text === undefined) return FAULT_KINDS.filter((kind) => driver.refuses[kind] === undefined);
  const asked = text.split(",").map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name.trim());
    if (kind === undefined) throw expected("--faults", `a list of ${FAULT_KINDS.join(", ")}`, text);
    const reason = driver.refuses[kind];
    if (reason !== undefined) throw new UsageError(`--faults: no ${kind} with --driver ${driver.name}: ${reason}`);
    return kind;
  });
  if (new Set(asked).size < asked.length) throw expected("--faults", "each fault once", text);
  return asked;
}

function readFreshness(text: string | undefined, driver: StressDriver): Freshness {
  const [standard = "lease"] = driver.freshness;
  if (text === undefined) return standard;
  const mode = FRESHNESS.find((known) => known === text);
  if (mode === undefined) throw expected("--freshness", FRESHNESS.join(" or "), text);
  if (driver.freshness.includes(mode)) return mode;
  throw new UsageError(`--freshness: the ${driver.name} driver has ${driver.freshness.join(", ")} and no ${mode}`);
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw expected(flag, `a whole number from ${least} to ${most}`, text);
}

function expected(flag: string, what: string, got: string | undefined): UsageError {
  return new UsageError(`${flag}: expected ${what}, got ${got === undefined ? "none" : JSON.stringify(got)}`);
}
