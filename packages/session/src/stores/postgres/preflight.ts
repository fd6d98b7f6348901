// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import type { Connection, Row } from "./connection.ts";
import type { PostgresJournalConfig } from "./options.ts";
import { NEEDED_PRIVILEGES } from "./schema.ts";

/** What a server says of itself; none of it needs a privilege beyond connecting. */
const SERVER_FACTS = `SELECT pg_backend_pid()::text AS pid, version() AS version, pg_is_in_recovery()::text AS in_recovery,
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_commit') AS synchronous_commit, current_setting('server_encoding') AS encoding,
  current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS read_only,
  current_setting('client_min_messages') AS min_messages, current_user::text AS role`;

/** The tables that are not there, and the privileges that the role lacks on those that are. */
const TABLE_FACTS = `SELECT string_agg(n.tab, ', ') FILTER (WHERE to_regclass(n.name) IS NULL) AS absent,
    string_agg(n.privilege || ' on ' || n.tab, ', ') FILTER (WHERE to_regclass(n.name) IS NOT NULL AND CASE
      WHEN n.privilege = 'DELETE' THEN NOT has_table_privilege(to_regclass(n.name), n.privilege)
      ELSE NOT has_any_column_privilege(to_regclass(n.name), n.privilege) END) AS missing
  FROM (SELECT tab, privilege, '"' || $1 || '".' || tab AS name FROM unnest($2::text[], $3::text[]) AS t(tab, privilege)) n`;

/**
 * All that a connection must show before it counts (`postgres-redis.md` 3.1).
 *
 * @throws JournalError that says what is demanded, what was found and what to do
 */
export async function preflight(connection: Connection, config: PostgresJournalConfig, limitMs: number): Promise<void> {
  const [facts] = await connection.run("cannot ask the server about itself", SERVER_FACTS, [], limitMs, false);
  if (facts === undefined) throw refused("the server gave no answer about itself", "use PostgreSQL 14 or later");
  checkServer(facts, connection.processId, config);
  const columns = [0, 1].map((part) => `{${NEEDED_PRIVILEGES.map((needed) => needed[part]).join(",")}}`);
  const [tables] = await connection.run(
    "cannot look at the tables",
    TABLE_FACTS,
    [config.schema, ...columns],
    limitMs,
    false,
  );
  if (tables?.["absent"] != null) {
    throw refused(
      `schema "${config.schema}" lacks the tables ${[...new Set(String(tables["absent"]).split(", "))].join(", ")}`,
      "make them with installPostgresJournal, as their owner, or name the right schema",
    );
  }
  if (tables?.["missing"] != null) {
    throw refused(
      `role "${facts["role"]}" lacks ${tables["missing"]}`,
      "grant it with installPostgresJournal, or name the right role",
    );
  }
}

/** Pure. `processId` is what the greeting named. */
export function checkServer(facts: Row, processId: string, config: PostgresJournalConfig): void {
  if (facts["pid"] !== processId) {
    throw refused(
      `the greeting came from process ${processId}, but process ${facts["pid"]} answers`,
      "a connection pooler is in between, so that settings hold for somebody else: connect to the server itself",
    );
  }
  const version = String(facts["version"]);
  if (!version.startsWith("PostgreSQL ") || /-YB-|cockroach|yugabyte/i.test(version)) {
    throw refused(`expected PostgreSQL, got ${version}`, "its row locks are not what this store needs");
  }
  if (facts["encoding"] !== "UTF8") {
    throw refused(
      `expected a database in UTF8, got one in ${facts["encoding"]}`,
      "it cannot hold every session id: use a database with ENCODING 'UTF8'",
    );
  }
  if (facts["in_recovery"] === "true") {
    throw new JournalError(
      "transient",
      "the server is a standby; give the URL of the primary, or the URLs of all servers of the cluster",
    );
  }
  const durable = config.acceptDataLoss ? {} : { fsync: "on", full_page_writes: "on" };
  const expected = {
    ...durable,
    synchronous_commit: config.synchronousCommit,
    isolation: "read committed",
    read_only: "off",
    min_messages: "warning",
  };
  for (const [setting, value] of Object.entries(expected)) {
    if (facts[setting] === value) continue;
    const advice = setting in durable ? "what it acknowledges can be lost: turn it on" : "connect to the server itself";
    throw refused(`expected ${setting}=${value}, and the server has it at ${facts[setting]}`, advice);
  }
}

function refused(message: string, advice: string): JournalError {
  return new JournalError("permanent", `${message}; ${advice}`);
}
