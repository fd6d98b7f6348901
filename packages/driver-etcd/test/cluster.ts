// SPDX-License-Identifier: Apache-2.0
import { type EtcdServer, type SuiteHooks, startEtcd } from "@tsoracle/test-services";

/** A start may include a download into the cache. */
const START_TIMEOUT_MS = 240_000;

/** A cluster for the suite that calls this: up before its first test, gone after its last. */
export function useEtcd(hooks: SuiteHooks, count: 1 | 3): () => readonly EtcdServer[] {
  let servers: readonly EtcdServer[] = [];
  hooks.beforeAll(async () => {
    servers = await startEtcd(count);
  }, START_TIMEOUT_MS);
  hooks.afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  }, 60_000);
  return () => servers;
}

export const urlsOf = (servers: readonly EtcdServer[]): readonly string[] => servers.map(({ url }) => url);
