// SPDX-License-Identifier: Apache-2.0

// For tests that need a server.
export { hasEtcd } from "./etcd/locate.ts";
export { type EtcdOptions, type EtcdServer, startEtcd } from "./etcd/server.ts";
export { type SuiteHooks, usePostgres, useRedis } from "./fixtures.ts";
// For programs that start and pause processes of their own.
export { freePorts } from "./free-port.ts";
export type { LaunchOptions } from "./managed-server.ts";
export { OwnedDirectory } from "./owned-directory.ts";
export { hasPgBouncer } from "./pgbouncer/locate.ts";
export { type PgBouncer, type PgBouncerOptions, startPgBouncer } from "./pgbouncer/server.ts";
export { type IsolatedDatabase, runSql } from "./postgres/database.ts";
export { type PostgresPair, startPostgresPair } from "./postgres/pair.ts";
export { type PostgresOptions, type PostgresServer, startPostgres } from "./postgres/server.ts";
export type { Lifeline } from "./process/lifeline.ts";
export { descendantsOf, isAlive, isStopped } from "./process/process-table.ts";
export { ServerLog } from "./process/server-log.ts";
export { type ProcessEnd, type ProcessSpec, ServerFailedToStart, ServerProcess } from "./process/server-process.ts";
export { FaultProxy, type ProxyTarget } from "./proxy/fault-proxy.ts";
export type { Direction, Flow } from "./proxy/flow.ts";
export { type RedisOptions, type RedisServer, startRedis, startRedisNodes } from "./redis/server.ts";
export { NotOwned, type Server } from "./server.ts";
export { type ServiceName, ServiceUnavailable } from "./service-unavailable.ts";
export { waitUntil } from "./wait-until.ts";
