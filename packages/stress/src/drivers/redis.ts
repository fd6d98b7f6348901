// SPDX-License-Identifier: Apache-2.0
import { initRedisNodes, openRedisDriver, type RedisOracleOptions, redisStatus } from "@tsoracle/driver-redis";
import { FaultProxy, startRedisNodes } from "@tsoracle/test-services";
import {
  FRESHNESS,
  STRESS_DRIFT,
  STRESS_TENURE_MS,
  type StressDriver,
  type StressTerms,
  TENURE_BOUNDS,
  TENURE_OUTAGE_MS,
} from "./stress-driver.ts";

const NODES = 5;

/** A minority: the register keeps what it acknowledged, and goes on. */
const NODES_PER_FAULT = 2;

const oracle = ({ freshness }: StressTerms) =>
  ({
    name: "stress",
    tenure: { tenureMs: STRESS_TENURE_MS, drift: STRESS_DRIFT },
    freshness,
  }) satisfies Partial<RedisOracleOptions>;

interface RedisConfig {
  readonly nodes: readonly string[];
}

/** Three servers on five Redis nodes, each server through five proxies of its own. */
export const redisStress: StressDriver = {
  name: "redis",
  servers: 3,
  freshness: FRESHNESS,
  refuses: {},
  tenureMs: STRESS_TENURE_MS,
  outageMs: TENURE_OUTAGE_MS,
  bounds: TENURE_BOUNDS,
  prepare: async (terms) => {
    const nodes = await startRedisNodes(NODES);
    const direct = { ...oracle(terms), nodes: nodes.map(({ url }) => url) };
    await initRedisNodes(direct);
    const proxies = await Promise.all(
      Array.from({ length: terms.servers }, () => Promise.all(nodes.map((node) => FaultProxy.open(node)))),
    );
    const linksOf = (server: number): readonly FaultProxy[] => proxies[server] ?? [];
    return {
      about: `${NODES} Redis nodes, ${nodes[0]?.via}`,
      configOf: (server): RedisConfig => ({
        nodes: linksOf(server).map((proxy, index) => proxy.url(nodes[index]?.url ?? "")),
      }),
      linksOf,
      nodes: nodes.map((process, index) => ({
        name: `Redis node ${index}`,
        process,
        links: proxies.flatMap((ways) => ways.slice(index, index + 1)),
      })),
      nodesPerFault: NODES_PER_FAULT,
      // A node that restarted has no vote until a leader has given it back.
      isWhole: async () => (await redisStatus(direct)).nodes.every(({ votes }) => votes),
      [Symbol.asyncDispose]: async () => {
        await Promise.all(proxies.flat().map((proxy) => proxy.close()));
        await Promise.all(nodes.map((node) => node.stop()));
      },
    };
  },
  open: (config, advertise, terms) =>
    openRedisDriver({ ...oracle(terms), nodes: (config as RedisConfig).nodes, advertise }),
};
