// SPDX-License-Identifier: Apache-2.0
import { type PostgresOptions, type PostgresServer, startPostgres } from "./postgres/server.ts";
import { type RedisOptions, type RedisServer, startRedisNodes } from "./redis/server.ts";

/** The hooks of the test runner. They are handed in so that this package works with the caller's own runner. */
export interface SuiteHooks {
  readonly beforeAll: (action: () => Promise<void>, timeoutMs?: number) => void;
  readonly afterAll: (action: () => Promise<void>, timeoutMs?: number) => void;
}

/** A start may include a download into the cache. */
const START_TIMEOUT_MS = 240_000;
const STOP_TIMEOUT_MS = 60_000;

/**
 * One Postgres for the suite that calls this: up before its first test, gone after its last.
 *
 * @returns asks for the server inside tests and hooks
 */
export function usePostgres(hooks: SuiteHooks, options: PostgresOptions = {}): () => PostgresServer {
  return useService(hooks, "Postgres", () => startPostgres(options));
}

/**
 * Independent Redis servers for the suite that calls this: up before its first test, gone after its last.
 *
 * @returns asks for the servers inside tests and hooks
 */
export function useRedis(
  hooks: SuiteHooks,
  count: number,
  optionsOf?: (index: number) => RedisOptions,
): () => readonly RedisServer[] {
  return useService(hooks, "Redis", async () => {
    const servers = await startRedisNodes(count, optionsOf);
    return Object.assign([...servers], {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(servers.map((server) => server.stop()));
      },
    });
  });
}

function useService<T extends AsyncDisposable>(hooks: SuiteHooks, name: string, start: () => Promise<T>): () => T {
  let service: T | undefined;
  hooks.beforeAll(async () => {
    service = await start();
  }, START_TIMEOUT_MS);
  hooks.afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
  }, STOP_TIMEOUT_MS);
  return () => {
    if (service === undefined) throw new Error(`${name} is up in tests and hooks only: ask for it there`);
    return service;
  };
}
