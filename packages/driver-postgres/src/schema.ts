// SPDX-License-Identifier: Apache-2.0
import { invalid } from "./invalid.ts";
import { checkSchema } from "./statements.ts";

/** @throws ConsensusError `permanent` unless the name needs no quoting beyond the quotes */
export function checkRole(role: string): string {
  if (typeof role === "string" && /^[a-zA-Z_][a-zA-Z0-9_-]{0,62}$/.test(role)) return role;
  throw invalid(
    `expected role as a letter or "_", then at most 62 letters, digits, "_" or "-", got ${JSON.stringify(role)}`,
  );
}

/**
 * Everything that the owner role creates, as in `postgres-redis.md` 3.2: tables, guard, and what the role of the
 * servers may do. Runs as often as one likes.
 *
 * @throws ConsensusError `permanent` for names that are not plain
 */
export function schemaSql(schema: string, role: string): string {
  const s = `"${checkSchema(schema)}"`;
  const to = `"${checkRole(role)}"`;
  return `
CREATE SCHEMA IF NOT EXISTS ${s};
CREATE TABLE IF NOT EXISTS ${s}.oracle (
  name            text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9._:-]{1,128}$'),
  schema_version  int           NOT NULL DEFAULT 1 CHECK (schema_version = 1),
  lock_key        bigint        NOT NULL UNIQUE,
  sysid           numeric(20,0) NOT NULL,
  restore_gen     int           NOT NULL DEFAULT 0 CHECK (restore_gen >= 0),
  freshness       text          NOT NULL DEFAULT 'lease' CHECK (freshness IN ('lease','confirm','none')),
  lease_ms        int           NOT NULL CHECK (lease_ms BETWEEN 200 AND 600000),
  rate_slack_ppm  int           NOT NULL DEFAULT 100000 CHECK (rate_slack_ppm BETWEEN 0 AND 500000),
  epoch_hi        bigint        NOT NULL DEFAULT 0 CHECK (epoch_hi >= 0),
  epoch_lo        bigint        NOT NULL DEFAULT 0 CHECK (epoch_lo >= 0),
  high_water      bigint        NOT NULL DEFAULT 0 CHECK (high_water BETWEEN 0 AND 70368744177663),
  beat            bigint        NOT NULL DEFAULT 0,
  loads           bigint        NOT NULL DEFAULT 0,
  clean           boolean       NOT NULL DEFAULT true,
  prev_clean      boolean       NOT NULL DEFAULT true,
  holder_id       uuid,
  prev_holder_id  uuid,
  holder_endpoint text CHECK (length(holder_endpoint) <= 255),
  holder_pid      int,
  updated_at      timestamptz   NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

CREATE OR REPLACE FUNCTION ${s}.oracle_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.name <> OLD.name OR NEW.high_water < OLD.high_water OR NEW.restore_gen < OLD.restore_gen
     OR (NEW.epoch_hi, NEW.epoch_lo) < (OLD.epoch_hi, OLD.epoch_lo) THEN
    RAISE EXCEPTION 'tso.oracle "%": refusing to move backwards', OLD.name USING ERRCODE = 'TSO01';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER oracle_guard BEFORE UPDATE ON ${s}.oracle
  FOR EACH ROW EXECUTE FUNCTION ${s}.oracle_guard();

CREATE TABLE IF NOT EXISTS ${s}.dense (
  oracle     text COLLATE "C" NOT NULL REFERENCES ${s}.oracle(name),
  key        text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 128),
  next       numeric(20,0) NOT NULL CHECK (next BETWEEN 0 AND 18446744073709551615),
  last_req   uuid,
  last_start numeric(20,0),
  last_count numeric(20,0),
  PRIMARY KEY (oracle, key)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS ${s}.lease_set (
  oracle  text COLLATE "C" PRIMARY KEY REFERENCES ${s}.oracle(name),
  records jsonb NOT NULL
) WITH (fillfactor = 50);

REVOKE ALL ON SCHEMA ${s} FROM PUBLIC;
GRANT USAGE ON SCHEMA ${s} TO ${to};
GRANT SELECT ON ${s}.oracle, ${s}.dense, ${s}.lease_set TO ${to};
GRANT UPDATE (epoch_hi, epoch_lo, high_water, beat, loads, clean, prev_clean, holder_id, prev_holder_id,
              holder_endpoint, holder_pid, updated_at) ON ${s}.oracle TO ${to};
GRANT INSERT (oracle, key, next, last_req, last_start, last_count),
      UPDATE (next, last_req, last_start, last_count) ON ${s}.dense TO ${to};
GRANT INSERT (oracle, records), UPDATE (records) ON ${s}.lease_set TO ${to};
`;
}

/** What the role of a server must be able to do, one by one, so that a refusal can name what is missing. */
export const NEEDED_PRIVILEGES: readonly (readonly [table: string, column: string, privilege: string])[] = [
  ...["name", "high_water", "sysid"].map((column) => ["oracle", column, "SELECT"] as const),
  ...[
    ...["epoch_hi", "epoch_lo", "high_water", "beat", "loads", "clean", "prev_clean"],
    ...["holder_id", "prev_holder_id", "holder_endpoint", "holder_pid", "updated_at"],
  ].map((column) => ["oracle", column, "UPDATE"] as const),
  ...["oracle", "key", "next"].map((column) => ["dense", column, "SELECT"] as const),
  ...["oracle", "key", "next", "last_req", "last_start", "last_count"].map((c) => ["dense", c, "INSERT"] as const),
  ...["next", "last_req", "last_start", "last_count"].map((column) => ["dense", column, "UPDATE"] as const),
  ["lease_set", "records", "SELECT"],
  ["lease_set", "oracle", "INSERT"],
  ["lease_set", "records", "INSERT"],
  ["lease_set", "records", "UPDATE"],
];
