// SPDX-License-Identifier: Apache-2.0
import type { LeaderState } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import type { OpenPostgresDriver, PostgresDriver } from "../src/driver.ts";
import { openWith } from "../src/open.ts";
import type { PostgresDriverOptions, PostgresDriverParts } from "../src/options.ts";
import { OP_TIMEOUT_MS, ROLE, SCHEMA, TENURE_MS } from "./oracle.ts";

let nodes = 0;

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

/** Opens a node as a server would: with the role that may do nothing but serve. */
export async function openNode(
  database: string,
  oracle: string,
  options: Partial<PostgresDriverOptions> = {},
  parts: PostgresDriverParts = {},
): Promise<OpenPostgresDriver> {
  nodes += 1;
  return await openWith(
    {
      url: asRole(database),
      oracle,
      advertise: `127.0.0.1:${40_000 + nodes}`,
      schema: SCHEMA,
      tenureMs: TENURE_MS,
      opTimeoutMs: OP_TIMEOUT_MS,
      ...options,
    },
    parts,
  );
}

/** The same database, as the servers connect to it. */
export function asRole(database: string, role: string = ROLE): string {
  const url = new URL(database);
  url.username = role;
  return url.href;
}

/** Resolves to the first item of the driver's stream that is wanted. */
export async function itemOf<T extends LeaderState>(
  driver: PostgresDriver,
  wanted: (item: LeaderState) => item is T,
): Promise<T>;
export async function itemOf(driver: PostgresDriver, wanted: (item: LeaderState) => boolean): Promise<LeaderState>;
export async function itemOf(driver: PostgresDriver, wanted: (item: LeaderState) => boolean): Promise<LeaderState> {
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
export async function leads(driver: PostgresDriver, above = -1n): Promise<LeaderItem> {
  return await itemOf(driver, (item): item is LeaderItem => item.role === "leader" && item.epoch > above);
}

/** Resolves when this node does not lead. */
export async function leadsNoMore(driver: PostgresDriver): Promise<void> {
  await itemOf(driver, (item) => item.role !== "leader");
}

/** The lower half of an epoch: how many reigns there were. */
export function reignOf(epoch: Epoch): bigint {
  return epoch & 0xffff_ffff_ffff_ffffn;
}
