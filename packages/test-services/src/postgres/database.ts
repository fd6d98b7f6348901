// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import pg from "pg";

/** A database of one test, apart from all others on the server. */
export interface IsolatedDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Ends the sessions in it and drops it. Also called by `await using`. */
  drop(): Promise<void>;
}

/** Runs one statement on a connection of its own. */
export async function runSql(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A server that dies between two statements is an event of the connection; the statement reports it.
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/**
 * Creates an empty database. From Postgres 15 on its pages go through the log, which is the faster way for a
 * small one and needs no checkpoint of the whole server.
 *
 * @param prefix begins its name; letters, digits and underscores, in lower case
 */
export async function createIsolatedDatabase(url: string, prefix: string): Promise<IsolatedDatabase> {
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(prefix)) {
    throw new Error(`the name of a database must begin with [a-z][a-z0-9_]*, at most 40 characters, not "${prefix}"`);
  }
  const name = `${prefix}_${randomBytes(6).toString("hex")}`;
  const [row] = await runSql(url, "SELECT current_setting('server_version_num')::int AS version");
  const strategy = Number(row?.["version"]) >= 150_000 ? " STRATEGY wal_log" : "";
  await runSql(url, `CREATE DATABASE ${name} TEMPLATE template0${strategy}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const drop = async (): Promise<void> => {
    await runSql(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  };
  return { name, url: own.href, drop, [Symbol.asyncDispose]: drop };
}
