// SPDX-License-Identifier: Apache-2.0
import { waitUntil } from "../wait-until.ts";
import { runSql } from "./database.ts";
import { type PostgresOptions, type PostgresServer, startPostgres } from "./server.ts";

/** The name under which the standby of a pair follows its primary. */
const STANDBY = "standby";

/** A primary and a hot standby that follows it by streaming. */
export interface PostgresPair extends AsyncDisposable {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Resolves when what was committed on the primary before the call can be read on the standby. */
  caughtUp(): Promise<void>;
  /** Whether commits on the primary wait for the standby. Resolves when new commits go by it. */
  setSynchronous(isSynchronous: boolean): Promise<void>;
  /** Ends the recovery of the standby; resolves when it takes writes. The primary is left as it is. */
  promote(): Promise<void>;
}

/**
 * Starts two servers with the same history; the standby begins as a copy of the primary while that is shut down.
 *
 * @throws ServiceUnavailable as {@link startPostgres}; TypeError where the environment names a server, which cannot be copied
 */
export async function startPostgresPair(options: Pick<PostgresOptions, "settings"> = {}): Promise<PostgresPair> {
  const { settings = {} } = options;
  const primary = await startPostgres({ settings });
  if (primary.dataDirectory === undefined) throw new TypeError("a server of the environment cannot be given a standby");
  await primary.shutdown();
  const standby = await startPostgres({
    copyOf: primary.dataDirectory,
    files: { "standby.signal": "" },
    settings: {
      ...settings,
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres application_name=${STANDBY}`,
      // How soon it tries again to find a primary that is back.
      wal_retrieve_retry_interval: "100ms",
    },
  });
  await primary.restart();
  return {
    primary,
    standby,
    caughtUp: () => caughtUp(primary, standby),
    setSynchronous: (isSynchronous) => setSynchronous(primary, isSynchronous ? STANDBY : ""),
    promote: () => promote(standby),
    [Symbol.asyncDispose]: async () => {
      await primary.stop();
      await standby.stop();
    },
  };
}

async function setSynchronous(primary: PostgresServer, names: string): Promise<void> {
  if (names !== "") await following(primary);
  // Not among the settings of the command line, which nothing could change.
  await runSql(primary.url, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await runSql(primary.url, "SELECT pg_reload_conf()");
  await waitUntil("the setting to hold", async () => {
    const [row] = await runSql(
      primary.url,
      `SELECT current_setting('synchronous_standby_names') AS names,
         (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))::int AS synchronous`,
    );
    return row?.["names"] === names && (names === "" || row["synchronous"] === 1);
  });
}

async function following(primary: PostgresServer): Promise<void> {
  await waitUntil("the standby to follow", async () => {
    const [row] = await runSql(primary.url, "SELECT FROM pg_stat_replication WHERE state = 'streaming'");
    return row !== undefined;
  });
}

async function caughtUp(primary: PostgresServer, standby: PostgresServer): Promise<void> {
  const [written] = await runSql(primary.url, "SELECT pg_current_wal_lsn()::text AS lsn");
  await waitUntil("the standby to replay what the primary wrote", async () => {
    const [row] = await runSql(
      standby.url,
      `SELECT coalesce(pg_last_wal_replay_lsn() >= '${written?.["lsn"]}', false) AS done`,
    );
    return row?.["done"] === true;
  });
}

async function promote(standby: PostgresServer): Promise<void> {
  await runSql(standby.url, "SELECT pg_promote()");
  await waitUntil("the end of recovery", async () => {
    const [row] = await runSql(standby.url, "SELECT pg_is_in_recovery() AS standby");
    return row?.["standby"] === false;
  });
}
