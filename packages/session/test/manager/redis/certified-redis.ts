// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { FencedJournal } from "@tsoracle/consensus";
import { FaultProxy, type RedisServer } from "@tsoracle/test-services";
import type { CertifiedStore } from "../../../src/certification.ts";
import { initRedisJournal, openRedisJournal } from "../../../src/redis.ts";
import { DELAY_MS } from "../certified.ts";

/** Real servers; node 0 has its own way to each of them, the other nodes share one. */
export async function certifiedRedis(behind: readonly RedisServer[]): Promise<CertifiedStore & AsyncDisposable> {
  const settings = { name: `certified-${randomUUID()}`, callTimeoutMs: 5_000 };
  await initRedisJournal({ ...settings, callTimeoutMs: 30_000, nodes: behind.map(({ url }) => url) });
  const way = async (): Promise<{ readonly proxies: readonly FaultProxy[]; readonly journal: FencedJournal }> => {
    const proxies = await Promise.all(behind.map((server) => FaultProxy.open(server)));
    const nodes = proxies.map((proxy, index) => proxy.url(behind[index]?.url ?? ""));
    return { proxies, journal: await openRedisJournal({ ...settings, nodes }) };
  };
  const [first, others] = [await way(), await way()];
  const flow = (proxies: readonly FaultProxy[], set: Parameters<FaultProxy["set"]>[0]): void => {
    for (const proxy of proxies) proxy.set(set);
  };
  const pass = { up: "pass", down: "pass" } as const;
  const all = [...first.proxies, ...others.proxies];
  return {
    name: "redis",
    journal: (node) => (node === 0 ? first.journal : others.journal),
    slowDown: () => {
      flow(all, { up: { delayMs: DELAY_MS }, down: { delayMs: DELAY_MS } });
      return () => flow(all, pass);
    },
    cutOff: () => {
      flow(first.proxies, { up: "hold", down: "hold" });
      return () => flow(first.proxies, pass);
    },
    [Symbol.asyncDispose]: async () => {
      for (const { journal } of [first, others]) await journal[Symbol.asyncDispose]();
      for (const proxy of all) await proxy.close();
    },
  };
}
