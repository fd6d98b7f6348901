// SPDX-License-Identifier: Apache-2.0
import { fileSessions } from "./file.ts";
import { mixedSessions } from "./mixed.ts";
import { postgresSessions } from "./postgres.ts";
import { redisSessions } from "./redis.ts";
import type { SessionStressStore } from "./session-store.ts";

/** The table of stores, the default first; a store is one file beside this one. */
export const SESSION_STORES: readonly SessionStressStore[] = [
  postgresSessions,
  redisSessions,
  mixedSessions,
  fileSessions,
];

export function sessionStore(name: string | undefined): SessionStressStore | undefined {
  return name === undefined ? SESSION_STORES[0] : SESSION_STORES.find((store) => store.name === name);
}
