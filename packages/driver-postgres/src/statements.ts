// SPDX-License-Identifier: Apache-2.0
import { invalid } from "./invalid.ts";

/** @throws ConsensusError `permanent` unless the name needs no quoting beyond the quotes. */
export function checkSchema(schema: string): string {
  if (typeof schema === "string" && /^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return schema;
  throw invalid(
    `expected schema as a lower-case letter or "_", then at most 62 letters, digits or "_", got ${JSON.stringify(schema)}`,
  );
}

/**
 * Every statement of a running server, as in `postgres-redis.md` 3.3 and 3.4. All are single autocommit statements.
 * `$1` is the oracle's name and `$2`, `$3` are the halves of the epoch unless the comment says otherwise.
 */
export interface Statements {
  /** State for observers, and the lock if it is free and the row exists. */
  readonly poll: string;
  /** As `poll`, without trying the lock: for a session that has it, or does not want it. */
  readonly observe: string;
  /** The only statement that moves the epoch. `$2` holder, `$3` endpoint. */
  readonly bump: string;
  readonly renew: string;
  /** `$4` value. */
  readonly persist: string;
  /** A write, so that it passes the same commit and replication gate as a persist. `$1` only. */
  readonly load: string;
  /** Says that a reign has stopped, of the row's reign or of its direct predecessor. `$4` holder. Returns which reigns. */
  readonly clean: string;
  readonly confirm: string;
  /** Ends the sessions of this role and name that hold the lock. `$1` lock key, `$2` application name. */
  readonly evict: string;
  /** As `evict`, of one process only. `$3` its id. */
  readonly evictOne: string;
  /** `$1` channel. */
  readonly announce: string;
  /** For telling why a fenced write matched no row. `$1` only. */
  readonly diagnose: string;
  /** `$4` keys, `$5` counts, `$6` request id, `$7` cap. Always one row or more. */
  readonly dense: string;
  /** `$2` key; after `load`, as a second statement. */
  readonly denseNext: string;
  /** `$4` the whole set. */
  readonly leases: string;
  /** `$1` only; after `load`. */
  readonly leaseSet: string;
}

/** `schema` as checked by {@link checkSchema}. */
export function statementsFor(schema: string): Statements {
  const oracle = `"${schema}".oracle`;
  const dense = `"${schema}".dense`;
  const leaseSet = `"${schema}".lease_set`;
  const epochFence = "WHERE name = $1 AND epoch_hi = $2 AND epoch_lo = $3";
  const renewed = `RETURNING high_water, prev_clean, pg_backend_pid() AS pid,
      current_setting('synchronous_standby_names') AS standby_names`;
  const row =
    "epoch_hi, epoch_lo, beat, clean, high_water, freshness, lease_ms, rate_slack_ppm, holder_endpoint, holder_pid";
  const evict = `SELECT l.pid, pg_terminate_backend(l.pid) AS killed
      FROM pg_locks l JOIN pg_stat_activity s ON s.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.classid::bigint = (($1::bigint >> 32) & 4294967295) AND l.objid::bigint = ($1::bigint & 4294967295)
        AND s.usename = current_user AND s.application_name = $2 AND l.pid <> pg_backend_pid()`;
  return {
    poll: `SELECT ${row}, pg_try_advisory_lock(lock_key) AS got FROM ${oracle} WHERE name = $1`,
    observe: `SELECT ${row}, false AS got FROM ${oracle} WHERE name = $1`,
    bump: `UPDATE ${oracle} SET
        epoch_hi = GREATEST(epoch_hi, (restore_gen::bigint << 32)
                     | ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint),
        epoch_lo = epoch_lo + 1, beat = beat + 1,
        prev_clean = clean, clean = false, prev_holder_id = holder_id,
        holder_id = $2, holder_endpoint = $3, holder_pid = pg_backend_pid(), updated_at = clock_timestamp()
      WHERE name = $1 AND sysid = (SELECT system_identifier FROM pg_control_system())
      RETURNING epoch_hi, epoch_lo, high_water, freshness, lease_ms, rate_slack_ppm,
                beat - 1 AS prev_beat, prev_clean, prev_holder_id`,
    renew: `UPDATE ${oracle} SET beat = beat + 1 ${epochFence} ${renewed}`,
    persist: `UPDATE ${oracle} SET high_water = GREATEST(high_water, $4::bigint), beat = beat + 1 ${epochFence}
      ${renewed}`,
    load: `UPDATE ${oracle} SET loads = loads + 1 WHERE name = $1 RETURNING high_water, epoch_hi, epoch_lo`,
    clean: `UPDATE ${oracle} SET
        clean = clean OR epoch_lo = $3::bigint, beat = beat + (epoch_lo = $3::bigint)::int,
        prev_clean = prev_clean OR epoch_lo <> $3::bigint
      WHERE name = $1 AND epoch_hi = $2
        AND ((epoch_lo = $3::bigint AND holder_id = $4) OR (epoch_lo = $3::bigint + 1 AND prev_holder_id = $4))
      RETURNING epoch_lo`,
    confirm: `SELECT 1 FROM ${oracle} ${epochFence}`,
    evict,
    evictOne: `${evict} AND l.pid = $3::int`,
    announce: "SELECT pg_notify($1, 'released')",
    diagnose: `SELECT epoch_hi, epoch_lo FROM ${oracle} WHERE name = $1`,
    dense: `WITH f AS MATERIALIZED (
        SELECT name FROM ${oracle} ${epochFence} FOR NO KEY UPDATE),
      ask AS MATERIALIZED (
        SELECT a.key COLLATE "C" AS key, a.count FROM unnest($4::text[], $5::numeric[]) AS a(key, count)),
      size AS MATERIALIZED (
        SELECT (SELECT count(*) FROM ask
                 WHERE NOT EXISTS (SELECT FROM ${dense} x WHERE x.oracle = $1 AND x.key = ask.key)) AS added,
               (SELECT count(*) FROM ${dense} x WHERE x.oracle = $1) AS present),
      admitted AS MATERIALIZED (
        SELECT f.name FROM f, size WHERE size.added = 0 OR size.added + size.present <= $7::bigint),
      grown AS (
        INSERT INTO ${dense} AS d (oracle, key, next, last_req, last_start, last_count)
        SELECT admitted.name, ask.key, ask.count, $6::uuid, 0, ask.count FROM admitted, ask ORDER BY ask.key
        ON CONFLICT (oracle, key) DO UPDATE SET
          next       = CASE WHEN d.last_req = EXCLUDED.last_req THEN d.next       ELSE d.next + EXCLUDED.last_count END,
          last_start = CASE WHEN d.last_req = EXCLUDED.last_req THEN d.last_start ELSE d.next END,
          last_count = CASE WHEN d.last_req = EXCLUDED.last_req THEN d.last_count ELSE EXCLUDED.last_count END,
          last_req   = EXCLUDED.last_req
        RETURNING d.key, d.last_start AS start)
      SELECT EXISTS (SELECT FROM f) AS fenced_in, EXISTS (SELECT FROM admitted) AS admitted, grown.key, grown.start
        FROM (SELECT 1) AS one LEFT JOIN grown ON true`,
    denseNext: `SELECT next FROM ${dense} WHERE oracle = $1 AND key = $2`,
    leases: `WITH f AS MATERIALIZED (
        SELECT name FROM ${oracle} ${epochFence} FOR NO KEY UPDATE)
      INSERT INTO ${leaseSet} AS s (oracle, records) SELECT f.name, $4::jsonb FROM f
      ON CONFLICT (oracle) DO UPDATE SET records = EXCLUDED.records
      RETURNING 1`,
    leaseSet: `SELECT records FROM ${leaseSet} WHERE oracle = $1`,
  };
}
