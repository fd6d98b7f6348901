// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, LeaderState, TenureTerms } from "@tsoracle/consensus";
import type { OpenEtcdDriver } from "../src/driver.ts";
import { type InitEtcdOracleOptions, initEtcdOracle } from "../src/index.ts";
import { openWith } from "../src/open.ts";
import type { EtcdDriverOptions, EtcdDriverParts, EtcdOracleSettings } from "../src/options.ts";

/** The shortest tenure there is: a crash costs a little more than this. */
export const TERMS: TenureTerms = { tenureMs: 1_000, drift: 0.1 };
/** As long as a tenure allows: tests share their machine, and a slow answer is not what they are about. */
const OP_TIMEOUT_MS = 500;

let nodes = 0;

export const prefixOf = (oracle: string): string => `/test/${oracle}/`;

/** What a node says in its log, to wait for and to look at. */
export class NodeLog {
  readonly lines: string[] = [];
  #waiting: (() => void)[] = [];

  readonly info = (fields: object, message: string): void => this.#add("info", fields, message);
  readonly warn = (fields: object, message: string): void => this.#add("warn", fields, message);
  readonly error = (fields: object, message: string): void => this.#add("error", fields, message);

  /** Resolves to the first line that matches, from `from` on. */
  async line(pattern: RegExp, from = 0): Promise<string> {
    for (;;) {
      const found = this.lines.slice(from).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #add(level: string, fields: object, message: string): void {
    this.lines.push(`${level} ${JSON.stringify(fields)} ${message}`);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Makes an oracle of this name. */
export async function prepare(
  endpoints: readonly string[],
  oracle: string,
  settings: Pick<InitEtcdOracleOptions, keyof EtcdOracleSettings | "seedPhysicalMs"> = {},
): Promise<void> {
  await initEtcdOracle({ endpoints, prefix: prefixOf(oracle), tenure: TERMS, ...settings });
}

/** Opens a node as a server would. */
export async function openNode(
  endpoints: readonly string[],
  oracle: string,
  options: Partial<EtcdDriverOptions> = {},
  parts: EtcdDriverParts = {},
): Promise<OpenEtcdDriver> {
  nodes += 1;
  return await openWith(
    {
      endpoints,
      prefix: prefixOf(oracle),
      advertise: `127.0.0.1:${40_000 + nodes}`,
      tenure: TERMS,
      opTimeoutMs: OP_TIMEOUT_MS,
      ...options,
    },
    parts,
  );
}

/** Resolves to the first item of the driver's stream that is wanted. */
export async function itemOf<T extends LeaderState>(
  driver: ConsensusDriver,
  wanted: (item: LeaderState) => item is T,
): Promise<T>;
export async function itemOf(driver: ConsensusDriver, wanted: (item: LeaderState) => boolean): Promise<LeaderState>;
export async function itemOf(driver: ConsensusDriver, wanted: (item: LeaderState) => boolean): Promise<LeaderState> {
  const stop = new AbortController();
  try {
    for await (const item of driver.leadershipEvents({ signal: stop.signal })) if (wanted(item)) return item;
  } finally {
    stop.abort();
  }
  throw new Error("the leadership stream ended before it showed what the test waits for");
}

type LeaderItem = LeaderState & { readonly role: "leader" };

/** Resolves when this node leads, in an epoch above the given one. */
export async function leads(driver: ConsensusDriver, above = -1n): Promise<LeaderItem> {
  return await itemOf(driver, (item): item is LeaderItem => item.role === "leader" && item.epoch > above);
}

/** Resolves when this node does not lead. */
export async function leadsNoMore(driver: ConsensusDriver): Promise<void> {
  await itemOf(driver, (item) => item.role !== "leader");
}

/** The first item of a new stream is the present state; undefined once the driver is disposed. */
export async function stateOf(driver: ConsensusDriver): Promise<LeaderState | undefined> {
  const stop = new AbortController();
  try {
    for await (const item of driver.leadershipEvents({ signal: stop.signal })) return item;
    return undefined;
  } finally {
    stop.abort();
  }
}
