// SPDX-License-Identifier: Apache-2.0
import { initOracle, type OracleSettings, openPostgresDriver } from "@tsoracle/driver-postgres";
import { FaultProxy, runSql, startPostgres } from "@tsoracle/test-services";
import {
  FRESHNESS,
  STRESS_DRIFT,
  STRESS_TENURE_MS,
  type StressDriver,
  type StressTerms,
  TENURE_BOUNDS,
  TENURE_OUTAGE_MS,
} from "./stress-driver.ts";

const ORACLE = "stress";
/** What servers connect as: it may do what they need and nothing else. */
const ROLE = "tsoapp";
const settings = ({ freshness }: StressTerms): OracleSettings => ({
  tenureMs: STRESS_TENURE_MS,
  drift: STRESS_DRIFT,
  freshness,
});

interface PostgresConfig {
  readonly url: string;
}

/** Two servers on one database, each through a proxy of its own. */
export const postgresStress: StressDriver = {
  name: "postgres",
  servers: 2,
  freshness: FRESHNESS,
  refuses: {},
  tenureMs: STRESS_TENURE_MS,
  outageMs: TENURE_OUTAGE_MS,
  bounds: TENURE_BOUNDS,
  prepare: async (terms) => {
    const postgres = await startPostgres();
    const database = await postgres.createDatabase("stress");
    // An external server may have the role already, and roles belong to all of its databases.
    await runSql(
      database.url,
      `DO $$ BEGIN CREATE ROLE ${ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
    await initOracle({ url: database.url, oracle: ORACLE, role: ROLE, ...settings(terms) });
    const url = new URL(database.url);
    url.username = ROLE;
    const proxies = await Promise.all(Array.from({ length: terms.servers }, () => FaultProxy.open(postgres)));
    return {
      about: `one Postgres, ${postgres.via}`,
      configOf: (server): PostgresConfig => ({ url: proxies[server]?.url(url.href) ?? "" }),
      linksOf: (server) => proxies.slice(server, server + 1),
      nodes: [{ name: "Postgres", process: postgres, links: proxies }],
      nodesPerFault: 1,
      [Symbol.asyncDispose]: async () => {
        await Promise.all(proxies.map((proxy) => proxy.close()));
        await database.drop();
        await postgres.stop();
      },
    };
  },
  open: (config, advertise, terms) =>
    openPostgresDriver({ url: (config as PostgresConfig).url, oracle: ORACLE, advertise, ...settings(terms) }),
};
