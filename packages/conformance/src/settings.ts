// SPDX-License-Identifier: Apache-2.0

/** How a run is made; each has a default. */
export interface RunOptions {
  /** Everything random follows from it. @defaultValue the environment variable TSORACLE_SEED, else 1 */
  readonly seed?: number | undefined;
  /** How many seeds each randomised clause is tried with. @defaultValue TSORACLE_RUNS, else what the clause says */
  readonly runs?: number | undefined;
  /** After this a clause fails, in milliseconds. @defaultValue 15000 */
  readonly timeoutMs?: number | undefined;
}

export interface Settings {
  readonly seed: number;
  readonly runs: number | undefined;
  readonly timeoutMs: number;
}

/** @throws TypeError for a value that is not a whole number in range. */
export function settle(options: RunOptions, env: NodeJS.ProcessEnv = process.env): Settings {
  return {
    seed: whole("seed", options.seed ?? fromEnv(env, "TSORACLE_SEED") ?? 1, 0),
    runs: optionalWhole("runs", options.runs ?? fromEnv(env, "TSORACLE_RUNS")),
    timeoutMs: whole("timeoutMs", options.timeoutMs ?? 15_000, 1),
  };
}

function fromEnv(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  throw new TypeError(`${name}: expected a whole number, got ${JSON.stringify(text)}`);
}

function optionalWhole(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : whole(name, value, 1);
}

/** @throws TypeError for a value that is not a whole number in range. */
export function whole(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= 0xffff_ffff) return value;
  throw new TypeError(`${name}: expected a whole number from ${least} to 2^32-1, got ${String(value)}`);
}
