// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from "node:util";
import { FAULT_CLASSES, type FaultClass } from "./fault.ts";
import { CONTROLS, type WriterKind } from "./node/writer-kind.ts";
import { WRITES_MIN } from "./plan.ts";

/** The command line asks for something that cannot be; the message names the flag and what was expected. */
export class UsageError extends Error {}

export interface CampaignOptions {
  readonly cycles: number;
  readonly writes: number;
  readonly faults: readonly FaultClass[];
  readonly seed: number;
  /** Clusters that run cycles side by side. */
  readonly lanes: number;
  readonly writer: WriterKind;
  readonly json: string | undefined;
}

export const USAGE: string = `usage: chaos [options]

  --cycles N      cycles per fault class, 1 to 10000 (200)
  --writes N      writes per cycle, ${WRITES_MIN} to 10000 (100)
  --fault CLASS   only this one: ${FAULT_CLASSES.join(", ")} (all)
  --seed S        a whole number; the same seed plans the same faults (drawn, and printed)
  --lanes N       clusters of three nodes that run cycles side by side, 1 to 16 (4)
  --json FILE     write the lines of the cycles there as well, and the summary as the last line
  --control NAME  run a wrong writer instead: ${CONTROLS.join(", ")}; must exit 1
  --help          print this

exit: 0 pass, 1 soft or hard fail, 2 usage, 3 the harness failed, 130 interrupted
`;

/**
 * Reads the command line; undefined when it asks for help.
 *
 * @param drawSeed gives a seed when none is asked for
 * @throws UsageError
 */
export function readOptions(args: readonly string[], drawSeed: () => number): CampaignOptions | undefined {
  const flags = readFlags(args);
  if (flags.help === true) return undefined;
  return {
    cycles: whole("--cycles", flags.cycles ?? "200", 1, 10_000),
    writes: whole("--writes", flags.writes ?? "100", WRITES_MIN, 10_000),
    faults: flags.fault === undefined ? FAULT_CLASSES : [oneOf("--fault", flags.fault, FAULT_CLASSES)],
    seed: flags.seed === undefined ? drawSeed() : whole("--seed", flags.seed, 0, 2 ** 32 - 1),
    lanes: whole("--lanes", flags.lanes ?? "4", 1, 16),
    writer: flags.control === undefined ? "quorum" : oneOf("--control", flags.control, CONTROLS),
    json: flags.json === undefined ? undefined : fileName(flags.json),
  };
}

interface Flags {
  readonly cycles?: string;
  readonly writes?: string;
  readonly fault?: string;
  readonly seed?: string;
  readonly lanes?: string;
  readonly control?: string;
  readonly json?: string;
  readonly help?: boolean;
}

function readFlags(args: readonly string[]): Flags {
  try {
    const { values } = parseArgs({
      // The package manager hands a separating "--" on.
      args: args.filter((arg) => arg !== "--"),
      options: {
        cycles: { type: "string" },
        writes: { type: "string" },
        fault: { type: "string" },
        seed: { type: "string" },
        lanes: { type: "string" },
        control: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean" },
      },
    });
    return values as Flags;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${flag}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`);
}

function oneOf<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw new UsageError(`${flag}: expected one of ${known.join(", ")}, got ${JSON.stringify(text)}`);
}

function fileName(text: string): string {
  if (text !== "") return text;
  throw new UsageError('--json: expected the name of a file, got ""');
}
