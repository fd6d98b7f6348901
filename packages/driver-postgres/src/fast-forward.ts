// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import { type AdminOptions, AdminSession, type CheckedAdminOptions, checkAdminOptions } from "./admin-session.ts";
import { invalid } from "./invalid.ts";
import { checkFloor, type OracleSettings, settingColumns } from "./oracle-settings.ts";
import { readEpoch, readHighWater } from "./rows.ts";

export interface FastForwardOptions extends AdminOptions {
  /** The oracle issues only above this. It must cover every timestamp that was ever issued, wherever it was seen. */
  readonly atLeastMs: number;
}

export interface ForceReinitOptions extends FastForwardOptions, OracleSettings {
  /** The operator's word that no server of the oracle runs, not even a paused one. */
  readonly allServersStopped: true;
}

export interface ForwardResult {
  readonly epoch: Epoch;
  readonly highWater: PhysicalMs;
}

/** Of the server now. */
const TIMELINE = `('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint`;

/**
 * Where a row is gone, so is the memory of its epochs. Minutes are a generation above any that operators counted up to by
 * hand, so that neither a server that was forgotten somewhere nor a client that remembers takes a new reign for an old one.
 */
const NEW_GENERATION = "SELECT (extract(epoch FROM clock_timestamp()) / 60)::int AS gen";

/** Adopts this cluster and timeline in a new restore generation, above everything that the row, `o`, remembers. */
const ADOPT = `high_water = GREATEST(o.high_water, $2::bigint), restore_gen = o.restore_gen + 1,
  epoch_hi = GREATEST(o.epoch_hi, ((o.restore_gen + 1)::bigint << 32)
             | ${TIMELINE}),
  sysid = (SELECT system_identifier FROM pg_control_system()), clean = false, beat = o.beat + 1,
  updated_at = clock_timestamp()`;

/**
 * Lets an oracle go on after its store lost writes: a failover, a restore. A leader of that moment is fenced, and the
 * next one waits its predecessor out. Sequences are not touched: what they lost, only the operator can know.
 *
 * @throws ConsensusError `permanent` when there is no such oracle or the value is out of range
 */
export async function fastForwardOracle(options: FastForwardOptions): Promise<ForwardResult> {
  const checked = checkAdminOptions(options);
  const { schema, identity } = checked;
  const floor = checkFloor("atLeastMs", options.atLeastMs);
  await using session = await AdminSession.open(checked);
  const [row] = await session.run(
    "cannot fast-forward the oracle",
    `UPDATE "${schema}".oracle AS o SET ${ADOPT} WHERE o.name = $1 RETURNING epoch_hi, epoch_lo, high_water`,
    [identity.name, floor],
  );
  if (row === undefined) throw invalid(`there is no oracle "${identity.name}" in this database: make it with init`);
  return { epoch: readEpoch(row), highWater: readHighWater(row) };
}

/**
 * As {@link fastForwardOracle}, and gives the oracle other settings; makes it anew where its row is gone. All servers
 * must be stopped, because those that run go by the old settings.
 *
 * @throws ConsensusError `permanent` when a server still holds the lock
 */
export async function forceReinitOracle(options: ForceReinitOptions): Promise<ForwardResult> {
  if (options.allServersStopped !== true) {
    throw invalid("expected allServersStopped: true, the operator's word that no server of the oracle runs");
  }
  const checked = checkAdminOptions(options);
  const { schema, identity } = checked;
  const floor = checkFloor("atLeastMs", options.atLeastMs);
  const [freshness, leaseMs, slack] = settingColumns(options);
  await using session = await AdminSession.open(checked);
  await demandNoLeader(session, checked);
  const [row] = await session.run(
    "cannot initialise the oracle again",
    `INSERT INTO "${schema}".oracle AS o
       (name, lock_key, sysid, lease_ms, freshness, rate_slack_ppm, high_water, clean, restore_gen, epoch_hi)
     SELECT $1, $3, system_identifier, $4, $5, $6, $2, false, g.gen, (g.gen::bigint << 32) | ${TIMELINE}
       FROM pg_control_system(), (${NEW_GENERATION}) AS g
     ON CONFLICT (name) DO UPDATE SET lease_ms = EXCLUDED.lease_ms, freshness = EXCLUDED.freshness,
       rate_slack_ppm = EXCLUDED.rate_slack_ppm, ${ADOPT}
     RETURNING epoch_hi, epoch_lo, high_water`,
    [identity.name, floor, identity.lockKey, leaseMs, freshness, slack],
  );
  if (row === undefined) throw invalid(`oracle "${identity.name}" could not be written`);
  return { epoch: readEpoch(row), highWater: readHighWater(row) };
}

async function demandNoLeader(session: AdminSession, { identity }: CheckedAdminOptions): Promise<void> {
  const [lock] = await session.run("cannot take the lock", "SELECT pg_try_advisory_lock($1::bigint) AS got", [
    identity.lockKey,
  ]);
  if (lock?.["got"] === "t") return;
  throw invalid(`a server of oracle "${identity.name}" holds its lock; nothing was changed: stop all servers first`);
}
