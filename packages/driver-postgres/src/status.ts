// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PeerEndpoint, PhysicalMs } from "@tsoracle/core";
import { type AdminOptions, AdminSession, checkAdminOptions } from "./admin-session.ts";
import { invalid } from "./invalid.ts";
import { readEndpoint } from "./options.ts";
import { bool, readEpoch, readHighWater, text } from "./rows.ts";

/** What the store knows of an oracle, for people. */
export interface OracleStatus {
  readonly oracle: string;
  readonly epoch: Epoch;
  readonly highWater: PhysicalMs;
  readonly freshness: string;
  readonly tenureMs: number;
  readonly drift: number;
  /** Rises while somebody leads. */
  readonly beat: bigint;
  /** The last reign ended in good order. */
  readonly clean: boolean;
  readonly restoreGeneration: number;
  /** Of the last reign, and of the server now. They differ after a failover or a restore. */
  readonly timeline: { readonly ofLastReign: number; readonly ofServer: number };
  /** Whether the oracle belongs to this database cluster. */
  readonly identityMatches: boolean;
  /** Of the leader, or of the last one. */
  readonly holderEndpoint: PeerEndpoint | undefined;
  /** Who has the lock now. */
  readonly lockHolder: { readonly pid: number; readonly applicationName: string } | undefined;
  readonly sequenceKeys: number;
}

/**
 * Reads the state of an oracle from the primary. Changes nothing; the role of the servers suffices.
 *
 * @throws ConsensusError `permanent` when there is no such oracle
 */
export async function oracleStatus(options: AdminOptions): Promise<OracleStatus> {
  const checked = checkAdminOptions(options);
  const { schema, identity } = checked;
  await using session = await AdminSession.open(checked);
  const [row] = await session.run(
    "cannot read the oracle",
    `SELECT o.*, o.sysid = c.system_identifier AS same,
       ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint AS timeline,
       (SELECT count(*) FROM "${schema}".dense d WHERE d.oracle = o.name) AS keys, l.pid AS lock_pid, l.application_name
     FROM "${schema}".oracle o CROSS JOIN pg_control_system() c LEFT JOIN LATERAL (
       SELECT l.pid, s.application_name FROM pg_locks l JOIN pg_stat_activity s ON s.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.classid::bigint = ((o.lock_key >> 32) & 4294967295) AND l.objid::bigint = (o.lock_key & 4294967295)
        LIMIT 1) l ON true
     WHERE o.name = $1`,
    [identity.name],
  );
  if (row === undefined) throw invalid(`there is no oracle "${identity.name}" in this database: make it with init`);
  const lockPid = row["lock_pid"] ?? null;
  return {
    oracle: identity.name,
    epoch: readEpoch(row),
    highWater: readHighWater(row),
    freshness: text(row, "freshness"),
    tenureMs: Number(text(row, "lease_ms")),
    drift: Number(text(row, "rate_slack_ppm")) / 1e6,
    beat: BigInt(text(row, "beat")),
    clean: bool(row, "clean"),
    restoreGeneration: Number(text(row, "restore_gen")),
    timeline: {
      ofLastReign: Number(BigInt(text(row, "epoch_hi")) & 0xffff_ffffn),
      ofServer: Number(text(row, "timeline")),
    },
    identityMatches: bool(row, "same"),
    holderEndpoint: readEndpoint(row["holder_endpoint"] ?? null),
    lockHolder:
      lockPid === null ? undefined : { pid: Number(lockPid), applicationName: row["application_name"] ?? "unknown" },
    sequenceKeys: Number(text(row, "keys")),
  };
}
