// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { FencedJournal } from "@tsoracle/consensus";
import { FaultProxy, type RedisServer, useRedis } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertifiedStore, certifyStore } from "../../../src/certification.ts";
import { initRedisJournal, openRedisJournal } from "../../../src/redis.ts";
import { contractOf } from "../certified.ts";

const servers = useRedis({ beforeAll, afterAll }, 5);
/** Of each packet, in each direction, while the store is slow. */
const DELAY_MS = 40;

/** Five real servers; node 0 has its own way to each of them, the other nodes share one. */
async function redis(behind: readonly RedisServer[]): Promise<CertifiedStore & AsyncDisposable> {
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

describe("certification of sessions on five Redis servers, with their network slow and cut (G11, G12)", () => {
  it("passes every scenario, budget and pressure", { timeout: 240_000 }, async () => {
    await using store = await redis(servers());
    const certificate = await certifyStore(store, { runId: "run-1", contract: contractOf("redis", "kv_consensus") });
    expect(certificate.pressure.results.map(({ reason }) => reason)).toEqual(Array(3).fill("within budget"));
    expect(certificate.contention).toMatchObject({ invariantFailures: [], failedBudgets: [] });
    expect(certificate.failover).toMatchObject({ failedScenarios: [], nondeterministicFailures: [] });
    expect(certificate.passed).toBe(true);
    const slow = certificate.pressure.observations.find(({ pressure }) => pressure === "dependency_degraded");
    expect(slow?.takeoverMs).toBeGreaterThan(4 * DELAY_MS);
  });
});
