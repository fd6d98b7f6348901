// SPDX-License-Identifier: Apache-2.0
import { checkJournalLimits, JournalError, type JournalLimits } from "@tsoracle/consensus";
import { type NodeAddress, parseNodes, type RedisJournalAccess, type RedisJournalNode } from "./node-address.ts";

/** Whether a node that has restarted votes with what it read from its disk. */
export type TrustRestarts = "aof-always" | "never";

/** What names the journals on their nodes; the same for every process and every operator command. */
export interface RedisJournalAddress extends RedisJournalAccess {
  /**
   * Every node, in any order: `redis://host:port` or `rediss://host:port`. Three or five; fewer only with
   * `acceptDataLoss`. No two processes may ever run with different lists: see `readmitRedisJournalNodes`.
   */
  readonly nodes: readonly RedisJournalNode[];
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. Journals of different names share nodes without noticing. @defaultValue "sessions" */
  readonly name?: string | undefined;
  /** Use fewer than three nodes, or nodes that do not sync each write: what was acknowledged may be lost. @defaultValue false */
  readonly acceptDataLoss?: boolean | undefined;
  /**
   * As the nodes were made. `never`: a node that restarted has no vote until it was filled again, so that one which came
   * back with an old copy of its disk does no harm; when a majority restarts together, an operator is needed
   * (`trustRedisJournalRestarts`). @defaultValue "never" from three nodes on; "aof-always" for fewer
   */
  readonly trustRestarts?: TrustRestarts | undefined;
  /** Longest that a call takes, in milliseconds. Operators' commands wait at least 5000. @defaultValue 5000 */
  readonly callTimeoutMs?: number | undefined;
}

export interface RedisJournalOptions extends RedisJournalAddress {
  /** The largest entry and snapshot. @defaultValue 64 KiB and 1 MiB */
  readonly limits?: Partial<JournalLimits> | undefined;
  /**
   * Who fills a node again that is empty or has restarted untrusted: each process that has the journals open, or an
   * operator with `readmitRedisJournalNodes`. An empty node that a process never saw vote is left to the operator in any
   * case: it may be a new one, whose predecessor another process still counts. @defaultValue "automatic" where restarts are not trusted, else "operator"
   */
  readonly readmission?: "automatic" | "operator" | undefined;
  /** Hears of every node that has no vote, and why, once for each change. What it throws is ignored. */
  readonly onWarning?: ((warning: RedisJournalWarning) => void) | undefined;
}

/** Something that an operator should look at. */
export interface RedisJournalWarning {
  /** `host:port`. */
  readonly node: string;
  readonly message: string;
}

/** Checked options. */
export interface RedisJournalConfig {
  readonly addresses: readonly NodeAddress[];
  readonly name: string;
  readonly acceptDataLoss: boolean;
  readonly trustRestarts: TrustRestarts;
  readonly callTimeoutMs: number;
  readonly limits: JournalLimits;
  readonly readmission: "automatic" | "operator";
  readonly onWarning: (warning: RedisJournalWarning) => void;
}

const DEFAULT_CALL_MS = 5_000;

/**
 * The options of an operator's command. Nobody waits for it as callers wait for a journal, so a node that is slow gets the
 * usual time however short the calls of the servers are to be.
 *
 * @throws JournalError `invalid` for the first option that cannot be used.
 */
export function checkOperatorOptions(options: RedisJournalAddress): RedisJournalConfig {
  const config = checkRedisOptions(options);
  return { ...config, callTimeoutMs: Math.max(config.callTimeoutMs, DEFAULT_CALL_MS) };
}

/** @throws JournalError `invalid` for the first option that cannot be used. */
export function checkRedisOptions(options: RedisJournalOptions): RedisJournalConfig {
  const { name = "sessions", acceptDataLoss = false, callTimeoutMs = DEFAULT_CALL_MS, onWarning = () => {} } = options;
  const addresses = parseNodes(options.nodes, options);
  if (typeof name !== "string" || !/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new JournalError("invalid", `name: expected 1 to 64 of A-Z a-z 0-9 . _ -, got ${JSON.stringify(name)}`);
  }
  if (addresses.length < 3 && !acceptDataLoss) {
    throw new JournalError(
      "invalid",
      `nodes: expected three or more independent Redis servers, got ${addresses.length}: fewer survive no failure. acceptDataLoss: true allows it`,
    );
  }
  if (!Number.isSafeInteger(callTimeoutMs) || callTimeoutMs < 100 || callTimeoutMs > 600_000) {
    throw new JournalError(
      "invalid",
      `callTimeoutMs: expected a whole number from 100 to 600000, got ${String(callTimeoutMs)}`,
    );
  }
  const trustRestarts = oneOf(
    "trustRestarts",
    options.trustRestarts ?? (addresses.length < 3 ? "aof-always" : "never"),
    ["aof-always", "never"],
  );
  const readmission = oneOf(
    "readmission",
    options.readmission ?? (trustRestarts === "never" ? "automatic" : "operator"),
    ["automatic", "operator"],
  );
  const limits = checkJournalLimits(options.limits);
  return {
    ...{ addresses, name, acceptDataLoss, trustRestarts, callTimeoutMs, limits, readmission },
    onWarning: harmless(onWarning),
  };
}

/** The keys of one name on a node; one hash slot, and no two sessions share one, because the kind comes first. */
export function keysOf(name: string): {
  readonly mark: string;
  readonly copy: (id: string) => string;
  readonly entries: (id: string) => string;
} {
  const tag = `{tsj:${name}}`;
  return { mark: `${tag}:node`, copy: (id) => `${tag}:s:${id}`, entries: (id) => `${tag}:e:${id}` };
}

/** Warnings are for watching: a watcher that throws must not change the fate of a node or of a call. */
function harmless(watcher: RedisJournalConfig["onWarning"]): RedisJournalConfig["onWarning"] {
  return (warning) => {
    try {
      // One that is async rejects instead.
      void Promise.resolve(watcher(warning) as unknown).catch(() => {});
    } catch {
      // Nobody to tell: who watches is broken.
    }
  };
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new JournalError("invalid", `${name}: expected ${allowed.join(" or ")}, got ${JSON.stringify(value)}`);
}
