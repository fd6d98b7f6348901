// SPDX-License-Identifier: Apache-2.0
import { installPostgresJournal, openPostgresJournal } from "@tsoracle/session/postgres";
import { FaultProxy, runSql, startPostgres } from "@tsoracle/test-services";
import { type SessionStressStore, STORE_CALL_MS } from "./session-store.ts";

/** What workers connect as: it may do what they need and nothing else. */
const ROLE = "sessionapp";
const WORKERS = 3;

interface PostgresConfig {
  readonly url: string;
}

/** Three workers on one database, each through a proxy of its own. */
export const postgresSessions: SessionStressStore = {
  name: "postgres",
  workers: WORKERS,
  refuses: {},
  prepare: async () => {
    const postgres = await startPostgres();
    const database = await postgres.createDatabase("sessions");
    // An external server may have the role already, and roles belong to all of its databases.
    await runSql(
      database.url,
      `DO $$ BEGIN CREATE ROLE ${ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
    await installPostgresJournal({ url: database.url, role: ROLE });
    const url = new URL(database.url);
    url.username = ROLE;
    const proxies = await Promise.all(Array.from({ length: WORKERS }, () => FaultProxy.open(postgres)));
    return {
      about: `one Postgres, ${postgres.via}`,
      configOf: (worker): PostgresConfig => ({ url: proxies[worker]?.url(url.href) ?? "" }),
      directConfig: { url: url.href } satisfies PostgresConfig,
      linksOf: (worker) => proxies.slice(worker, worker + 1),
      nodes: [{ name: "Postgres", process: postgres, links: proxies }],
      nodesPerFault: 1,
      [Symbol.asyncDispose]: async () => {
        await Promise.all(proxies.map((proxy) => proxy.close()));
        await database.drop();
        await postgres.stop();
      },
    };
  },
  open: (config) => openPostgresJournal({ url: (config as PostgresConfig).url, callTimeoutMs: STORE_CALL_MS }),
};
