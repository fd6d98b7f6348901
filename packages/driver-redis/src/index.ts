// SPDX-License-Identifier: Apache-2.0
// For those who run an oracle on Redis.

// For those who operate it: each is one command.
export { admitRedisNodes, type RedisAdmitOptions } from "./admit.ts";
export { type Freshness, type RedisDurability, redisCapabilities, redisCapabilitiesOf } from "./capabilities.ts";
export type { RedisDriver } from "./driver.ts";
export { fastForwardRedis, type RedisFastForwardOptions } from "./fast-forward.ts";
export { forceReinitRedis, type RedisForceReinitOptions, type RedisForceReinitResult } from "./force-reinit.ts";
export { initRedisNodes, type RedisInitOptions } from "./init.ts";
export type { RedisAccess, RedisNodeSpec } from "./node-address.ts";
export type { TrustRestart } from "./node-facts.ts";
export { openRedisDriver } from "./open.ts";
export type { Readmission, RedisDriverOptions, RedisOracleOptions, RedisWarning } from "./options.ts";
export { type RedisNodeStatus, type RedisStatus, redisStatus } from "./status.ts";
export { type RedisTrustRestartOptions, trustRedisRestarts } from "./trust-restart.ts";
