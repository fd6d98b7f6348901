// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { FAULT_KINDS, type FaultKind } from "./schedule.ts";
import { UsageError } from "./usage-error.ts";

/** The command line as it was given, before anybody has looked at what it says. */
export interface Flags {
  readonly driver?: string;
  readonly seconds?: string;
  readonly faults?: string;
  readonly seed?: string;
  readonly json?: string;
  readonly freshness?: string;
  readonly store?: string;
  readonly sessions?: string;
  readonly "inject-violation"?: boolean;
  readonly "no-tenure-check"?: boolean;
  readonly "no-fence-check"?: boolean;
  readonly help?: boolean;
}

const MAX_SECONDS = 600;
const MAX_SEED = 2 ** 32 - 1;

/** @throws UsageError for a flag that does not exist. */
export function readFlags(args: readonly string[]): Flags {
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
        store: { type: "string" },
        sessions: { type: "string" },
        "inject-violation": { type: "boolean" },
        "no-tenure-check": { type: "boolean" },
        "no-fence-check": { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    return values as Flags;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export function readSeconds(text: string | undefined): number {
  return whole("--seconds", text ?? "30", 1, MAX_SECONDS);
}

export function readSeed(text: string | undefined, drawSeed: () => number): number {
  return text === undefined ? drawSeed() : whole("--seed", text, 0, MAX_SEED);
}

/**
 * A name that is not known would inject nothing and prove nothing (`tsoracle-behaviour.md` 9.5).
 *
 * @param refuses faults that make no sense here, with the reason
 * @param where the flags that say where "here" is
 */
export function readStoreFaults(
  text: string | undefined,
  refuses: Readonly<Partial<Record<FaultKind, string>>>,
  where: string,
): readonly FaultKind[] {
  if (text === undefined) return FAULT_KINDS.filter((kind) => refuses[kind] === undefined);
  const asked = text.split(",").map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name.trim());
    if (kind === undefined) throw expected("--faults", `a list of ${FAULT_KINDS.join(", ")}`, text);
    const reason = refuses[kind];
    if (reason !== undefined) throw new UsageError(`--faults: no ${kind} with ${where}: ${reason}`);
    return kind;
  });
  if (new Set(asked).size < asked.length) throw expected("--faults", "each fault once", text);
  return asked;
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw expected(flag, `a whole number from ${least} to ${most}`, text);
}

export function expected(flag: string, what: string, got: string | undefined): UsageError {
  return new UsageError(`${flag}: expected ${what}, got ${got === undefined ? "none" : JSON.stringify(got)}`);
}
