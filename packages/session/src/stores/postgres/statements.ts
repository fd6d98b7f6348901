// SPDX-License-Identifier: Apache-2.0

/**
 * Every statement of the store. Each is one autocommit transaction, in READ COMMITTED: a write that waited for the row
 * of its session judges its condition again on the row as it is then. `$1` is the session, `$2` and `$3` are epoch and
 * owner. Epochs travel as text, because a parameter takes the type of its first cast and a float would round.
 */
export interface JournalStatements {
  /** Head, snapshot and tail as of one moment. Rows of the kinds `head`, `snapshot` and `entry`. */
  readonly load: string;
  readonly head: string;
  /** `$4` snapshot or null. One row if it was made. */
  readonly create: string;
  /** `$4` the epoch that must hold the session, or null. One row, the head, if that one did, and it was smaller. */
  readonly takeover: string;
  /** `$4` number, `$5` ts, `$6` entry. One row if it was appended. */
  readonly append: string;
  /** `$4` number, `$5` bytes, `$6` whether it may be ahead. One row if it was put. */
  readonly snapshot: string;
  /** `$4` number. One row if it was allowed. */
  readonly truncate: string;
}

export function statementsFor(schema: string): JournalStatements {
  const session = `"${schema}".session`;
  const entry = `"${schema}".session_entry`;
  const snapshot = `"${schema}".session_snapshot`;
  const held = `id = $1 AND epoch = $2::text::numeric AND owner = $3::text`;
  const head = "epoch::text AS epoch, owner, next_seq::text AS next_seq, snapshot_seq::text AS snapshot_seq";
  return {
    load: `WITH head AS (SELECT * FROM ${session} WHERE id = $1)
      SELECT 'head' AS kind, epoch::text, owner, next_seq::text AS seq, snapshot_seq::text AS ts, NULL::bytea AS bytes,
             (SELECT min(seq) FROM ${entry} e WHERE e.id = head.id AND e.seq >= head.first_seq)::text AS first_seq
        FROM head
      UNION ALL
      SELECT 'snapshot', s.epoch::text, s.owner, s.seq::text, NULL, s.bytes, NULL FROM ${snapshot} s, head WHERE s.id = head.id
      UNION ALL
      SELECT 'entry', e.epoch::text, e.owner, e.seq::text, e.ts::text, e.entry, NULL FROM ${entry} e, head
       WHERE e.id = head.id AND e.seq >= head.first_seq AND e.seq > coalesce(head.snapshot_seq, 0)`,
    head: `SELECT ${head} FROM ${session} WHERE id = $1`,
    create: `WITH made AS (
        INSERT INTO ${session} (id, epoch, owner, next_seq, snapshot_seq)
        VALUES ($1, $2::text::numeric, $3, 1, CASE WHEN $4::bytea IS NULL THEN NULL ELSE 0 END)
        ON CONFLICT (id) DO NOTHING RETURNING *
      ), first AS (
        INSERT INTO ${snapshot} (id, seq, epoch, owner, bytes)
        SELECT id, 0, epoch, owner, $4::bytea FROM made WHERE $4::bytea IS NOT NULL
      ) SELECT ${head} FROM made`,
    takeover: `UPDATE ${session} SET epoch = $2::text::numeric, owner = $3::text
      WHERE id = $1 AND epoch < $2::text::numeric AND epoch = coalesce($4::text::numeric, epoch) RETURNING ${head}`,
    append: `WITH held AS (
        UPDATE ${session} SET next_seq = next_seq + 1 WHERE ${held} AND next_seq = $4::bigint RETURNING id, epoch, owner
      ) INSERT INTO ${entry} (id, seq, epoch, owner, ts, entry)
        SELECT id, $4::bigint, epoch, owner, $5::text::numeric, $6::bytea FROM held RETURNING 1 AS done`,
    snapshot: `WITH held AS (
        UPDATE ${session} SET snapshot_seq = $4::bigint, next_seq = greatest(next_seq, $4::bigint + 1)
        WHERE ${held} AND coalesce(snapshot_seq, 0) <= $4::bigint AND ($6::boolean OR $4::bigint < next_seq)
        RETURNING id, epoch, owner
      ) INSERT INTO ${snapshot} AS kept (id, seq, epoch, owner, bytes)
        SELECT id, $4::bigint, epoch, owner, $5::bytea FROM held
        ON CONFLICT (id) DO UPDATE SET seq = EXCLUDED.seq, epoch = EXCLUDED.epoch, owner = EXCLUDED.owner, bytes = EXCLUDED.bytes
        RETURNING 1 AS done`,
    // What is below the first number is gone for every reader, whether its row was deleted by then or not.
    truncate: `WITH held AS (
        UPDATE ${session} SET first_seq = greatest(first_seq, $4::bigint + 1)
        WHERE ${held} AND snapshot_seq >= $4::bigint RETURNING id
      ), gone AS (
        DELETE FROM ${entry} e USING held WHERE e.id = held.id AND e.seq <= $4::bigint
      ) SELECT 1 AS done FROM held`,
  };
}
