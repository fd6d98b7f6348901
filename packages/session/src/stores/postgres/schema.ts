// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import { checkSchema } from "./options.ts";

const U64 = "numeric(20,0) NOT NULL CHECK";
const RANGE = "BETWEEN 0 AND 18446744073709551615";
/** Safe integers of JavaScript: one more than the largest number of an entry fits as well. */
const SEQ = "BETWEEN 0 AND 9007199254740992";

/** @throws JournalError `invalid` unless the name needs no quoting beyond the quotes. */
export function checkRole(role: unknown): string {
  if (typeof role === "string" && /^[a-zA-Z_][a-zA-Z0-9_-]{0,62}$/.test(role)) return role;
  throw new JournalError(
    "invalid",
    `role: expected a letter or "_", then at most 62 letters, digits, "_" or "-", got ${JSON.stringify(role)}`,
  );
}

/**
 * Everything that the owner creates: three tables, a guard, and what the role of the servers may do. Runs as often as
 * one likes. One row per session decides every write; entries and snapshot are written only under its lock.
 */
export function schemaSql(schema: string, role: string): string {
  const s = `"${checkSchema(schema)}"`;
  const to = `"${checkRole(role)}"`;
  return `
CREATE SCHEMA IF NOT EXISTS ${s};
CREATE TABLE IF NOT EXISTS ${s}.session (
  id           text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 512),
  epoch        ${U64} (epoch ${RANGE}),
  owner        text COLLATE "C" NOT NULL CHECK (octet_length(owner) BETWEEN 1 AND 512),
  next_seq     bigint NOT NULL CHECK (next_seq >= 1 AND next_seq ${SEQ}),
  first_seq    bigint NOT NULL DEFAULT 1 CHECK (first_seq >= 1 AND first_seq ${SEQ}),
  snapshot_seq bigint CHECK (snapshot_seq ${SEQ} AND snapshot_seq < next_seq),
  format       int NOT NULL DEFAULT 1 CHECK (format = 1)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE IF NOT EXISTS ${s}.session_entry (
  id    text COLLATE "C" NOT NULL REFERENCES ${s}.session(id),
  seq   bigint NOT NULL CHECK (seq >= 1 AND seq ${SEQ}),
  epoch ${U64} (epoch ${RANGE}),
  owner text COLLATE "C" NOT NULL,
  ts    ${U64} (ts ${RANGE}),
  entry bytea NOT NULL,
  PRIMARY KEY (id, seq)
);
CREATE TABLE IF NOT EXISTS ${s}.session_snapshot (
  id    text COLLATE "C" PRIMARY KEY REFERENCES ${s}.session(id),
  seq   bigint NOT NULL CHECK (seq ${SEQ}),
  epoch ${U64} (epoch ${RANGE}),
  owner text COLLATE "C" NOT NULL,
  bytes bytea NOT NULL
) WITH (fillfactor = 50);

CREATE OR REPLACE FUNCTION ${s}.session_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id <> OLD.id OR NEW.epoch < OLD.epoch OR (NEW.epoch = OLD.epoch AND NEW.owner <> OLD.owner)
     OR NEW.next_seq < OLD.next_seq OR NEW.first_seq < OLD.first_seq
     OR coalesce(NEW.snapshot_seq, -1) < coalesce(OLD.snapshot_seq, -1) THEN
    RAISE EXCEPTION 'session "%": refusing to move backwards', OLD.id USING ERRCODE = 'TSJ01';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER session_guard BEFORE UPDATE ON ${s}.session
  FOR EACH ROW EXECUTE FUNCTION ${s}.session_guard();

REVOKE ALL ON SCHEMA ${s} FROM PUBLIC;
GRANT USAGE ON SCHEMA ${s} TO ${to};
GRANT SELECT ON ${s}.session, ${s}.session_entry, ${s}.session_snapshot TO ${to};
GRANT INSERT (id, epoch, owner, next_seq, snapshot_seq),
      UPDATE (epoch, owner, next_seq, first_seq, snapshot_seq) ON ${s}.session TO ${to};
GRANT INSERT, DELETE ON ${s}.session_entry TO ${to};
GRANT INSERT, UPDATE (seq, epoch, owner, bytes) ON ${s}.session_snapshot TO ${to};
`;
}

/** What the role of a server must be able to do, one by one, so that a refusal can name what is missing. */
export const NEEDED_PRIVILEGES: readonly (readonly [table: string, privilege: string])[] = [
  ["session", "SELECT"],
  ["session", "INSERT"],
  ["session", "UPDATE"],
  ["session_entry", "SELECT"],
  ["session_entry", "INSERT"],
  ["session_entry", "DELETE"],
  ["session_snapshot", "SELECT"],
  ["session_snapshot", "INSERT"],
  ["session_snapshot", "UPDATE"],
];
