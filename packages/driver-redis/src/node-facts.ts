// SPDX-License-Identifier: Apache-2.0
import type { NodeFailure } from "./node-outcome.ts";

/** What a server says of itself. */
export interface ServerFacts {
  /** The fields of INFO. */
  readonly info: ReadonlyMap<string, string>;
  /** `appendfsync` and `no-appendfsync-on-rewrite`; undefined where CONFIG is forbidden. */
  readonly config: ReadonlyMap<string, string> | undefined;
}

/** The register's fields as they were when the node was looked at, and whether it can expire. */
export interface RegisterFacts {
  readonly version: string;
  readonly clusterId: string;
  readonly nodeId: string;
  readonly n: string;
  readonly tenureMs: string;
  readonly freshness: string;
  readonly driftPpm: string;
  /** Whether restarts are trusted; empty in registers that were made before there was a choice. */
  readonly trustRestart: string;
  /** Of the server process that the node was admitted under. */
  readonly runId: string;
  /** As they were then: these change with every write. For operators, who must see them on a node without a vote too. */
  readonly promised: string;
  readonly highWater: string;
  readonly beat: string;
  /** Milliseconds until Redis deletes the key; -1 for never. */
  readonly expiresInMs: number;
}

export interface NodeFacts {
  readonly server: ServerFacts;
  /** Undefined while there is none. */
  readonly register: RegisterFacts | undefined;
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

export function runIdOf(facts: NodeFacts): string {
  return facts.server.info.get("run_id") ?? "";
}

/**
 * Why a server must not hold a register (`postgres-redis.md` 4.7), or undefined. A node that is weaker only in what it
 * keeps passes with `acceptDataLoss`.
 */
export function serverObjection(server: ServerFacts, acceptDataLoss: boolean): NodeFailure | undefined {
  const { info } = server;
  if (info.get("loading") === "1") {
    return notYet("is loading its data; it can vote when that is done");
  }
  if (info.get("redis_mode") === "sentinel") return configuration("is a Sentinel: name the servers themselves");
  if (info.get("cluster_enabled") !== "0") {
    return {
      ...configuration("has cluster-enabled yes: use independent servers, not a Redis Cluster"),
      why: "topology",
    };
  }
  if (!isSupported(info.get("redis_version"))) {
    return configuration(`runs Redis ${info.get("redis_version") ?? "of unknown version"}, expected 6.2 or newer`);
  }
  if (info.get("role") !== "master") {
    return configuration("is a replica: every node must be an independent master. Correct the list of nodes");
  }
  if (info.get("second_repl_offset") !== "-1") {
    return configuration(
      "was a replica and has been promoted: it may lack what its master acknowledged. Replace it as a wiped node",
    );
  }
  const policy = info.get("maxmemory_policy") ?? "";
  if (policy.startsWith("allkeys-")) {
    return configuration(`has maxmemory-policy ${policy}, which may evict the register: set it to noeviction`);
  }
  return acceptDataLoss ? undefined : durabilityObjection(server);
}

function durabilityObjection({ info, config }: ServerFacts): NodeFailure | undefined {
  if (info.get("aof_enabled") !== "1") {
    return configuration("has appendonly no, so a restart forgets: set appendonly yes and appendfsync always");
  }
  // An append-only file that was turned on while the server runs is not written to until its first rewrite has ended.
  if (info.get("aof_rewrite_in_progress") !== "0" || info.get("aof_rewrite_scheduled") !== "0") {
    return notYet("is rewriting its append-only file; it can vote when that is done");
  }
  if (info.get("aof_last_bgrewrite_status") !== "ok") {
    return configuration(
      "could not rewrite its append-only file, so that it may not be writing one: look at its log and its disk, and run BGREWRITEAOF",
    );
  }
  if (info.get("aof_last_write_status") !== "ok") {
    return configuration("could not write its append-only file: look at its log, its disk and the free space");
  }
  if (config === undefined) {
    return configuration("does not allow CONFIG GET, so appendfsync cannot be checked: grant +config|get");
  }
  const fsync = config.get("appendfsync");
  if (fsync !== "always") {
    return configuration(
      `has appendfsync ${fsync ?? "unknown"}, which answers before the write is on disk: set it to always`,
    );
  }
  if (config.get("no-appendfsync-on-rewrite") !== "no") {
    return configuration("has no-appendfsync-on-rewrite yes, which skips the fsync during a rewrite: set it to no");
  }
  return undefined;
}

/** Whether a node that has restarted votes with what it read from its disk. */
export type TrustRestart = "aof-always" | "never";

/** What a register must say to be the expected one. */
export interface ExpectedRegister {
  readonly n: number;
  readonly trustRestart: TrustRestart;
  readonly tenureMs: number;
  readonly freshness: string;
  readonly driftPpm: number;
}

/** Why this register must not be used, or undefined. */
export function registerObjection(
  register: RegisterFacts | undefined,
  expected: ExpectedRegister,
): NodeFailure | undefined {
  if (register === undefined) {
    return {
      ...configuration(
        "holds no register: its data is gone, or `tsoracle redis init` was never run. It has no vote until it is admitted; see the runbook for a wiped node",
      ),
      why: "amnesia",
      lost: "register",
    };
  }
  if (register.version !== "1") {
    return configuration(`holds a register of version ${register.version}, expected 1: use the release that wrote it`);
  }
  if (register.expiresInMs !== -1) {
    return configuration("has a register that expires: run PERSIST on its key, and find out who set a time on it");
  }
  const differences = [
    difference("number of nodes", register.n, String(expected.n)),
    difference("tenure in ms", register.tenureMs, String(expected.tenureMs)),
    difference("freshness mode", register.freshness, expected.freshness),
    difference("clock drift in ppm", register.driftPpm, String(expected.driftPpm)),
    difference("trust in restarts", register.trustRestart || "aof-always", expected.trustRestart),
  ].filter((text) => text !== undefined);
  if (differences.length === 0) return undefined;
  return configuration(
    `was initialised otherwise: ${differences.join(", ")}. Configure every server as the register is`,
  );
}

/** Why a node that holds the expected register has no vote all the same: it has restarted where that is not trusted. */
export function restartObjection(
  { runId }: RegisterFacts,
  nowRunId: string,
  trust: TrustRestart,
): NodeFailure | undefined {
  if (trust === "aof-always" || runId === nowRunId) return undefined;
  return {
    ...configuration(
      "has restarted, and restarts are not trusted: it has no vote until a leader admits it. If a majority restarted together, see the runbook of `tsoracle redis trust-restart`",
    ),
    why: "amnesia",
    lost: "trust",
  };
}

function notYet(message: string): NodeFailure {
  return { ...configuration(message), why: "unavailable" };
}

export function configuration(message: string): NodeFailure {
  return { kind: "failed", why: "configuration", mayHaveRun: false, message };
}

function difference(what: string, stored: string, configured: string): string | undefined {
  return stored === configured ? undefined : `${what} is ${stored} there and ${configured} here`;
}

function isSupported(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 2);
}
