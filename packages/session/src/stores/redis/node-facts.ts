// SPDX-License-Identifier: Apache-2.0
import type { RedisJournalConfig } from "./options.ts";
import type { ReplicaFailure } from "./replica.ts";

/** What a server showed on the present connection. */
export interface NodeFacts {
  /** The fields of INFO. */
  readonly info: ReadonlyMap<string, string>;
  /** `appendfsync` and `no-appendfsync-on-rewrite`; undefined where CONFIG is forbidden. */
  readonly config: ReadonlyMap<string, string> | undefined;
  /** The node's mark; empty where there is none. */
  readonly mark: Readonly<Record<string, string>>;
}

/** Why a node cannot be used. `lost`: it could be, once it is filled again. */
export interface NodeObjection extends ReplicaFailure {
  readonly lost?: "data" | "trust" | undefined;
}

/** The fields of INFO, of all sections. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

export function runOf({ info }: NodeFacts): string {
  return info.get("run_id") ?? "";
}

/** Why a server must not keep journals (`postgres-redis.md` 4.7), or undefined. */
export function serverObjection({ info, config }: NodeFacts, acceptDataLoss: boolean): NodeObjection | undefined {
  if (info.get("loading") === "1") return passing("is loading its data; it can be used when that is done");
  if (info.get("redis_mode") === "sentinel") return lasting("is a Sentinel: name the servers themselves");
  if (info.get("cluster_enabled") !== "0") {
    return lasting("has cluster-enabled yes: use independent servers, not a Redis Cluster");
  }
  const [major = 0, minor = 0] = (info.get("redis_version") ?? "").split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    return lasting(`runs Redis ${info.get("redis_version") ?? "of unknown version"}, expected 6.2 or newer`);
  }
  if (info.get("role") !== "master" || info.get("second_repl_offset") !== "-1") {
    return lasting("is or was a replica: it may lack what its master acknowledged. Use independent masters");
  }
  const policy = info.get("maxmemory_policy") ?? "";
  if (policy !== "noeviction" && !(acceptDataLoss && policy.startsWith("volatile-"))) {
    return lasting(`has maxmemory-policy ${policy}, which may evict entries: set it to noeviction`);
  }
  return acceptDataLoss ? undefined : durabilityObjection(info, config);
}

function durabilityObjection(info: NodeFacts["info"], config: NodeFacts["config"]): NodeObjection | undefined {
  if (info.get("aof_enabled") !== "1") {
    return lasting("has appendonly no, so a restart forgets: set appendonly yes and appendfsync always");
  }
  if (info.get("aof_last_write_status") !== "ok" || info.get("aof_last_bgrewrite_status") !== "ok") {
    return lasting("could not write its append-only file: look at its log, its disk and the free space");
  }
  if (config === undefined) {
    return lasting("does not allow CONFIG GET, so appendfsync cannot be checked: grant +config|get");
  }
  const fsync = config.get("appendfsync");
  if (fsync !== "always") {
    return lasting(
      `has appendfsync ${fsync ?? "unknown"}, which answers before the write is on disk: set it to always`,
    );
  }
  if (config.get("no-appendfsync-on-rewrite") !== "no") {
    return lasting("has no-appendfsync-on-rewrite yes, which skips the fsync during a rewrite: set it to no");
  }
  return undefined;
}

/** Why the mark of a node is not that of these journals, or undefined. */
export function markObjection(facts: NodeFacts, config: RedisJournalConfig): NodeObjection | undefined {
  const { mark } = facts;
  if (mark["v"] === undefined) {
    return {
      ...passing(
        "holds no journals: its data is gone, or initRedisJournal was never run. It has no vote until it is readmitted",
      ),
      lost: "data",
    };
  }
  if (mark["v"] !== "1") return lasting(`holds journals of version ${mark["v"]}, expected 1`);
  const expected = { n: String(config.addresses.length), tr: config.trustRestarts };
  for (const [field, value] of Object.entries(expected)) {
    if (mark[field] === value) continue;
    return lasting(
      `was made with ${field === "n" ? "number of nodes" : "trust in restarts"} ${mark[field]}, and ${value} is configured: configure every process alike`,
    );
  }
  if (mark["tr"] === "never" && mark["rid"] !== runOf(facts)) {
    return {
      ...passing(
        "has restarted, and restarts are not trusted: it has no vote until it is filled again. If a majority restarted together, see trustRedisJournalRestarts",
      ),
      lost: "trust",
    };
  }
  return undefined;
}

export function lasting(message: string): NodeObjection {
  return { kind: "failed", mayHaveRun: false, lasting: true, message };
}

export function passing(message: string): NodeObjection {
  return { kind: "failed", mayHaveRun: false, lasting: false, message };
}
