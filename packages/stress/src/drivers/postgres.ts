// SPDX-License-Identifier: Apache-2.0
import { initOracle, type OracleSettings, openPostgresDriver } from "@tsoracle/driver-postgres";
import { FaultProxy, runSql, startPostgres } from "@tsoracle/test-services";
import { STRESS_TENURE_MS, type StressDriver, TENURE_OUTAGE_MS } from "./stress-driver.ts";

const ORACLE = "stress";
/** What servers connect as: it may do what they need and nothing else. */
const ROLE = "tsoapp";
const SETTINGS: OracleSettings = { tenureMs: STRESS_TENURE_MS, drift: 0.1 };

interface PostgresConfig {
  readonly url: string;
}

/** Two servers on one database, each through a proxy of its own. */
export const postgresStress: StressDriver = {
  name: "postgres",
  servers: 2,
  refuses: {},
  tenureMs: STRESS_TENURE_MS,
  outageMs: TENURE_OUTAGE_MS,
  prepare: async (servers) => {
    const postgres = await startPostgres();
    const database = await postgres.createDatabase("stress");
    // An external server may have the role already, and roles belong to all of its databases.
    await runSql(
      database.url,
      `DO $$ BEGIN CREATE ROLE ${ROLE} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
    await initOracle({ url: database.url, oracle: ORACLE, role: ROLE, ...SETTINGS });
    const url = new URL(database.url);
    url.username = ROLE;
    const proxies = await Promise.all(Array.from({ length: servers }, () => FaultProxy.open(postgres)));
    return {
      about: `one Postgres, ${postgres.via}`,
      configOf: (server): PostgresConfig => ({ url: proxies[server]?.url(url.href) ?? "" }),
      proxiesOf: (server) => proxies.slice(server, server + 1),
      [Symbol.asyncDispose]: async () => {
        await Promise.all(proxies.map((proxy) => proxy.close()));
        await database.drop();
        await postgres.stop();
      },
    };
  },
  open: (config, advertise) =>
    openPostgresDriver({ url: (config as PostgresConfig).url, oracle: ORACLE, advertise, ...SETTINGS }),
};
