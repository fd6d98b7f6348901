// SPDX-License-Identifier: Apache-2.0
import { locateEtcd } from "./etcd/locate.ts";
import { locatePgBouncer } from "./pgbouncer/locate.ts";
import { locatePostgres } from "./postgres/locate.ts";
import { locateRedis } from "./redis/locate.ts";
import type { ResolverContext } from "./resolver-context.ts";
import { type ServiceName, ServiceUnavailable } from "./service-unavailable.ts";

/** What was found out about one service. */
export type Finding =
  | { readonly service: ServiceName; readonly found: true; readonly line: string }
  | { readonly service: ServiceName; readonly found: false; readonly isFailure: boolean; readonly line: string };

const required: readonly ServiceName[] = ["Postgres", "Redis"];

/**
 * Finds every service, downloading what is missing if that is allowed. Postgres and Redis are required, etcd and
 * PgBouncer only with SERVICES_REQUIRE=all.
 */
export async function findServices(context: ResolverContext): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const locate = { Postgres: locatePostgres, Redis: locateRedis, etcd: locateEtcd, PgBouncer: locatePgBouncer };
  // One after the other: two downloads at once would fetch the lists of the archive twice.
  for (const service of ["Postgres", "Redis", "etcd", "PgBouncer"] as const) {
    try {
      const located = await locate[service](context);
      const what = located.kind === "url" ? `${located.urls.length} by URL` : located.version;
      findings.push({ service, found: true, line: `${service}: ${what}, from ${located.via}` });
    } catch (error) {
      if (!(error instanceof ServiceUnavailable)) throw error;
      const isFailure = required.includes(service) || context.settings.requireAll;
      findings.push({ service, found: false, isFailure, line: error.message });
    }
  }
  return findings;
}
