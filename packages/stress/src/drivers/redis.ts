// SPDX-License-Identifier: Apache-2.0
import { initRedisNodes, openRedisDriver, type RedisOracleOptions } from "@tsoracle/driver-redis";
import { FaultProxy, startRedisNodes } from "@tsoracle/test-services";
import { STRESS_TENURE_MS, type StressDriver, TENURE_OUTAGE_MS } from "./stress-driver.ts";

const NODES = 5;

const ORACLE = {
  name: "stress",
  tenure: { tenureMs: STRESS_TENURE_MS, drift: 0.1 },
} satisfies Partial<RedisOracleOptions>;

interface RedisConfig {
  readonly nodes: readonly string[];
}

/** Three servers on five Redis nodes, each server through five proxies of its own. */
export const redisStress: StressDriver = {
  name: "redis",
  servers: 3,
  refuses: {},
  tenureMs: STRESS_TENURE_MS,
  outageMs: TENURE_OUTAGE_MS,
  prepare: async (servers) => {
    const nodes = await startRedisNodes(NODES);
    await initRedisNodes({ ...ORACLE, nodes: nodes.map(({ url }) => url) });
    const proxies = await Promise.all(
      Array.from({ length: servers }, () => Promise.all(nodes.map((node) => FaultProxy.open(node)))),
    );
    const proxiesOf = (server: number): readonly FaultProxy[] => proxies[server] ?? [];
    return {
      about: `${NODES} Redis nodes, ${nodes[0]?.via}`,
      configOf: (server): RedisConfig => ({
        nodes: proxiesOf(server).map((proxy, index) => proxy.url(nodes[index]?.url ?? "")),
      }),
      proxiesOf,
      [Symbol.asyncDispose]: async () => {
        await Promise.all(proxies.flat().map((proxy) => proxy.close()));
        await Promise.all(nodes.map((node) => node.stop()));
      },
    };
  },
  open: (config, advertise) => openRedisDriver({ ...ORACLE, nodes: (config as RedisConfig).nodes, advertise }),
};
