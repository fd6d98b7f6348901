// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { type AdminOptions, AdminSession, type CheckedAdminOptions, checkAdminOptions } from "./admin-session.ts";
import { invalid } from "./invalid.ts";
import { checkFloor, type OracleSettings, settingColumns } from "./oracle-settings.ts";
import { checkRole, schemaSql } from "./schema.ts";
import type { Row } from "./session.ts";

export interface InitOracleOptions extends AdminOptions, OracleSettings {
  /** The role that servers connect as; it must exist, and should not own the tables. */
  readonly role: string;
  /** The oracle issues only above this. @defaultValue 0 */
  readonly seedPhysicalMs?: number | undefined;
}

export interface InitOracleResult {
  /** False where the oracle was there already, with the same settings. */
  readonly created: boolean;
}

/**
 * Creates the tables, the guard and the grants where they are missing, and one oracle. Harmless to repeat: an oracle that
 * exists is compared with what is asked for and never changed.
 *
 * @throws ConsensusError `permanent` when the role is missing, when the oracle exists with other settings, or when the
 * connection goes through a transaction pooler
 */
export async function initOracle(options: InitOracleOptions): Promise<InitOracleResult> {
  const checked = checkAdminOptions(options);
  const settings = settingColumns(options);
  const seed = checkFloor("seedPhysicalMs", options.seedPhysicalMs ?? 0);
  const role = checkRole(options.role);
  await using session = await AdminSession.open(checked);
  await demandRealLocks(session, checked);
  const [found] = await session.run("cannot look for the role", "SELECT FROM pg_roles WHERE rolname = $1", [role]);
  if (found === undefined) {
    throw invalid(
      `there is no role "${role}": create it first, for example with CREATE ROLE "${role}" LOGIN PASSWORD '...'`,
    );
  }
  // Two at once would disturb each other's CREATE ... IF NOT EXISTS.
  const lock = `SELECT pg_advisory_xact_lock(hashtextextended('tsoracle init', 0));`;
  await session.run("cannot create the tables", `BEGIN; ${lock} ${schemaSql(checked.schema, role)} COMMIT;`);
  const created = await insertOracle(session, checked, settings, seed);
  if (!created) await demandSame(session, checked, settings, seed);
  return { created };
}

async function insertOracle(
  session: AdminSession,
  { identity, schema }: CheckedAdminOptions,
  [freshness, leaseMs, slack]: readonly [string, string, string],
  seed: string,
): Promise<boolean> {
  const rows = await session.run(
    "cannot create the oracle",
    `INSERT INTO "${schema}".oracle (name, lock_key, sysid, lease_ms, freshness, rate_slack_ppm, high_water)
     SELECT $1, $2, system_identifier, $3, $4, $5, $6 FROM pg_control_system() ON CONFLICT DO NOTHING RETURNING 1`,
    [identity.name, identity.lockKey, leaseMs, freshness, slack, seed],
  );
  return rows.length > 0;
}

async function demandSame(
  session: AdminSession,
  { identity, schema }: CheckedAdminOptions,
  [freshness, leaseMs, slack]: readonly [string, string, string],
  seed: string,
): Promise<void> {
  const [row] = await session.run(
    "cannot read the oracle",
    `SELECT freshness, lease_ms, rate_slack_ppm, high_water >= $2::bigint AS covered FROM "${schema}".oracle WHERE name = $1`,
    [identity.name, seed],
  );
  if (row === undefined) {
    throw invalid(`oracle "${identity.name}" has the lock key of another oracle in this schema: choose another name`);
  }
  const wanted: Row = { freshness, lease_ms: leaseMs, rate_slack_ppm: slack };
  for (const [column, value] of Object.entries(wanted)) {
    if (row[column] === value) continue;
    throw invalid(
      `oracle "${identity.name}" exists with ${column}=${row[column]}, and ${value} is asked for; nothing was changed: ` +
        "ask for what it has, or stop all of its servers and use force-reinit",
    );
  }
  if (row["covered"] !== "t") {
    throw invalid(`oracle "${identity.name}" exists below the seed ${seed}; nothing was changed: use fast-forward`);
  }
}

/** A lock that a second session gets as well is none: a pooler lends both the same session, or it is no PostgreSQL. */
async function demandRealLocks(session: AdminSession, checked: CheckedAdminOptions): Promise<void> {
  await using other = await AdminSession.open(checked);
  const tryLock = "SELECT pg_try_advisory_lock(hashtextextended($1, 1)) AS got";
  const probe = [`tsoracle probe ${randomUUID()}`];
  const [mine] = await session.run("cannot take an advisory lock", tryLock, probe);
  const [theirs] = await other.run("cannot take an advisory lock", tryLock, probe);
  if (mine?.["got"] === "t" && theirs?.["got"] === "f") return;
  throw invalid(
    "two connections got the same advisory lock: a connection pooler lends them one session, or this is not PostgreSQL; " +
      "connect to the server itself",
  );
}
