// SPDX-License-Identifier: Apache-2.0
// Sessions of many processes, kept on a majority of independent Redis servers. Needs the package `ioredis`.
export { initRedisJournal, trustRedisJournalRestarts } from "./stores/redis/init.ts";
export type { RedisJournalAccess, RedisJournalNode } from "./stores/redis/node-address.ts";
export { openRedisJournal } from "./stores/redis/open.ts";
export type {
  RedisJournalAddress,
  RedisJournalOptions,
  RedisJournalWarning,
  TrustRestarts,
} from "./stores/redis/options.ts";
export { readmitRedisJournalNodes } from "./stores/redis/readmission.ts";
