// SPDX-License-Identifier: Apache-2.0
// For those who run an oracle on Redis.
export { type Freshness, type RedisDurability, redisCapabilities, redisCapabilitiesOf } from "./capabilities.ts";
export type { RedisDriver } from "./driver.ts";
export { initRedisNodes, type RedisInitOptions } from "./init.ts";
export type { RedisAccess, RedisNodeSpec } from "./node-address.ts";
export { openRedisDriver } from "./open.ts";
export type { RedisDriverOptions, RedisOracleOptions, RedisWarning } from "./options.ts";
