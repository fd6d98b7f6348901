// SPDX-License-Identifier: Apache-2.0
import { epochToHalves } from "@tsoracle/core";
import { StatementFailure } from "./failure.ts";
import type { DriverConfig } from "./options.ts";
import { bool, readEpoch, text } from "./rows.ts";
import { NEEDED_PRIVILEGES } from "./schema.ts";
import type { PgSession, Row } from "./session.ts";

/** What a server says of itself; none of it needs a privilege beyond connecting. */
const SERVER_FACTS = `SELECT pg_backend_pid() AS pid, version() AS version,
  current_setting('server_version_num') AS version_num, pg_is_in_recovery() AS in_recovery,
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('synchronous_standby_names') AS standby_names,
  current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS read_only,
  current_setting('client_min_messages') AS min_messages, current_user AS role,
  current_setting('server_encoding') AS encoding,
  CASE WHEN pg_is_in_recovery() THEN NULL
       ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END AS timeline,
  (SELECT system_identifier FROM pg_control_system()) AS sysid`;

/** The oracle as it is stored, and what the role lacks. `$1` name; the rest are the privileges, column by column. */
function oracleFacts(schema: string): string {
  return `SELECT o.schema_version, o.sysid, o.restore_gen, o.freshness, o.lease_ms, o.rate_slack_ppm,
      o.epoch_hi, o.epoch_lo, o.lock_key,
      (SELECT string_agg(n.privilege || ' (' || n.col || ') on ' || n.tab, ', ')
         FROM unnest($2::text[], $3::text[], $4::text[]) AS n(tab, col, privilege)
        WHERE NOT has_column_privilege('"${schema}".' || n.tab, n.col, n.privilege)) AS missing
    FROM "${schema}".oracle o WHERE o.name = $1`;
}

/**
 * The demands of `postgres-redis.md` 3.1, all of them, before a session counts.
 *
 * @throws StatementFailure that says what is demanded, what was found and what to do
 */
export async function preflight(session: PgSession, config: DriverConfig): Promise<void> {
  const server = await session.run(SERVER_FACTS, [], { what: "cannot ask the server about itself" });
  const facts = first(server.rows);
  checkServer(facts, session.processId, config);
  session.backendPid = text(facts, "pid");
  const columns = [0, 1, 2].map((part) => NEEDED_PRIVILEGES.map((needed) => needed[part] as string));
  const stored = await session.run(oracleFacts(config.schema), [config.identity.name, ...columns], {
    what: `cannot read oracle "${config.identity.name}"`,
  });
  checkOracle(stored.rows[0], facts, config);
}

/** Pure. `processId` is what the greeting named. */
export function checkServer(facts: Row, processId: number, config: DriverConfig): void {
  if (text(facts, "pid") !== String(processId) && !config.allowSessionPooler) {
    throw refused(
      "POOLER",
      `the greeting came from process ${processId}, but process ${facts["pid"]} answers`,
      "a connection pooler is in between: connect to the server itself",
    );
  }
  const version = text(facts, "version");
  if (!version.startsWith("PostgreSQL ") || /-YB-|cockroach|yugabyte/i.test(version)) {
    throw refused(
      "VERSION",
      `expected PostgreSQL, got ${version}`,
      "its advisory locks are not what this driver needs",
    );
  }
  if (facts["encoding"] !== "UTF8") {
    throw refused(
      "ENCODING",
      `expected a database in UTF8, got one in ${facts["encoding"]}`,
      "it cannot hold every sequence key: give the oracle a database of its own, with ENCODING 'UTF8'",
    );
  }
  if (bool(facts, "in_recovery")) {
    throw refused(
      "STANDBY",
      "the server is a standby",
      "give the URL of the primary, or the URLs of all servers of the cluster",
      "transient",
    );
  }
  if (!config.allowUnsafeDurability) {
    for (const setting of ["fsync", "full_page_writes"]) {
      if (facts[setting] === "on") continue;
      throw refused(
        "UNSAFE_DURABILITY",
        `the server runs with ${setting}=${facts[setting]}`,
        "what it acknowledges can be lost, and timestamps be issued twice: turn it on",
      );
    }
  }
  checkSessionSettings(facts, config);
  if (config.durability === "replicated" && text(facts, "standby_names") === "") {
    throw refused(
      "NOT_REPLICATED",
      'durability "replicated" is asked for, but synchronous_standby_names is empty',
      'configure synchronous replication, or ask for durability "fsync"',
    );
  }
}

/** The startup options were accepted; here is whether they hold. */
function checkSessionSettings(facts: Row, config: DriverConfig): void {
  const expected = {
    synchronous_commit: config.synchronousCommit,
    isolation: "read committed",
    read_only: "off",
    min_messages: "warning",
  };
  for (const [setting, value] of Object.entries(expected)) {
    if (facts[setting] === value) continue;
    throw refused(
      "SETTINGS",
      `the session was started with ${setting}=${value}, but the server has it at ${facts[setting]}`,
      "something between here and the server changes settings: connect to the server itself",
    );
  }
}

/** Pure. `row` is undefined where the oracle does not exist. */
export function checkOracle(row: Row | undefined, facts: Row, config: DriverConfig): void {
  const { name } = config.identity;
  if (row === undefined) {
    throw refused("SCHEMA", `there is no oracle "${name}" in this database`, 'make it with "tsoracle postgres init"');
  }
  if (row["missing"] !== null) {
    throw refused(
      "PRIVILEGE",
      `role "${facts["role"]}" lacks ${row["missing"]}`,
      'grant it with "tsoracle postgres init", or name the right role',
    );
  }
  if (row["schema_version"] !== "1") {
    throw refused(
      "SCHEMA",
      `oracle "${name}" has schema version ${row["schema_version"]}, and this driver knows version 1`,
      "use the version of the driver that made it",
    );
  }
  checkStoredSettings(row, config);
  if (row["lock_key"] !== config.identity.lockKey) {
    throw refused("SCHEMA", `oracle "${name}" has another lock key than its name gives`, "make it again");
  }
  if (text(row, "sysid") !== text(facts, "sysid")) {
    throw refused(
      "IDENTITY",
      `oracle "${name}" belongs to the cluster ${row["sysid"]}, but this one is ${facts["sysid"]}: it was restored from a dump`,
      'see the runbook on restores, then run "tsoracle postgres fast-forward"',
    );
  }
  checkTimeline(row, facts, config);
}

/** Pure. Also for the rows of polls and of bumps, because an operator may have changed them since. */
export function checkStoredSettings(row: Row, config: DriverConfig): void {
  const configured = {
    freshness: config.freshness,
    lease_ms: String(config.terms.tenureMs),
    rate_slack_ppm: String(Math.round(config.terms.drift * 1e6)),
  };
  for (const [column, value] of Object.entries(configured)) {
    if (row[column] === value) continue;
    throw refused(
      "SETTINGS",
      `oracle "${config.identity.name}" was made with ${column}=${row[column]}, but this server is configured with ${value}`,
      "all servers of an oracle must agree: configure this one as the oracle was made",
    );
  }
}

/** An epoch names the restore generation and the timeline in its upper half (`postgres-redis.md` 3.9). */
function checkTimeline(row: Row, facts: Row, config: DriverConfig): void {
  const { hi, lo } = epochToHalves(readEpoch(row));
  if (lo === 0n) return;
  const now = (BigInt(text(row, "restore_gen")) << 32n) | BigInt(text(facts, "timeline"));
  if (hi > now) {
    throw refused(
      "REGRESSED",
      `the last reign was on timeline ${hi & 0xffff_ffffn}, and the server is on ${facts["timeline"]}: an older state`,
      'see the runbook on restores, then run "tsoracle postgres fast-forward"',
    );
  }
  if (hi < now && config.onTimelineChange === "refuse") {
    throw refused(
      "TIMELINE_CHANGED",
      `the server was promoted or restored since the last reign (timeline ${hi & 0xffff_ffffn}, now ${facts["timeline"]}): acknowledged writes may be lost`,
      'run "tsoracle postgres fast-forward --at-least MS" after the runbook on failover, or set onTimelineChange to "accept"',
    );
  }
}

function first(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row !== undefined) return row;
  throw refused("VERSION", "the server gave no answer about itself", "use PostgreSQL 14 or later");
}

function refused(
  reason: string,
  message: string,
  advice: string,
  kind: "permanent" | "transient" = "permanent",
): StatementFailure {
  return StatementFailure.found(reason, message, advice, { kind, alarm: kind === "permanent" });
}
