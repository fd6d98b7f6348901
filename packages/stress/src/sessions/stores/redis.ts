// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import {
  initRedisJournal,
  openRedisJournal,
  type RedisJournalAddress,
  readmitRedisJournalNodes,
} from "@tsoracle/session/redis";
import { FaultProxy, startRedisNodes } from "@tsoracle/test-services";
import { type PreparedSessionStore, type SessionStressStore, STORE_CALL_MS } from "./session-store.ts";

const NODES = 5;

/** A minority: the journals keep what they acknowledged, and go on. */
const NODES_PER_FAULT = 2;

const WORKERS = 3;

interface RedisConfig {
  readonly nodes: readonly string[];
}

/** Three workers on five Redis nodes, each worker through five proxies of its own. */
export const redisSessions: SessionStressStore = {
  name: "redis",
  workers: WORKERS,
  refuses: {},
  prepare,
  open: (config) => openRedisJournal({ nodes: (config as RedisConfig).nodes, callTimeoutMs: STORE_CALL_MS }),
};

async function prepare(): Promise<PreparedSessionStore> {
  const nodes = await startRedisNodes(NODES);
  const direct: RedisConfig & RedisJournalAddress = { nodes: nodes.map(({ url }) => url) };
  await initRedisJournal(direct);
  const proxies = await Promise.all(
    Array.from({ length: WORKERS }, () => Promise.all(nodes.map((node) => FaultProxy.open(node)))),
  );
  const linksOf = (worker: number): readonly FaultProxy[] => proxies[worker] ?? [];
  return {
    about: `${NODES} Redis nodes, ${nodes[0]?.via}`,
    configOf: (worker): RedisConfig => ({
      nodes: linksOf(worker).map((proxy, index) => proxy.url(nodes[index]?.url ?? "")),
    }),
    directConfig: direct,
    linksOf,
    nodes: nodes.map((process, index) => ({
      name: `Redis node ${index}`,
      process,
      links: proxies.flatMap((ways) => ways.slice(index, index + 1)),
    })),
    nodesPerFault: NODES_PER_FAULT,
    isWhole: () => isWhole(direct),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(proxies.flat().map((proxy) => proxy.close()));
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

/** A node that restarted has no vote until it was filled; workers do that, and so does this question. */
async function isWhole(direct: RedisJournalAddress): Promise<boolean> {
  try {
    return (await readmitRedisJournalNodes(direct)).length === 0;
  } catch (error) {
    if (error instanceof JournalError && error.code !== "invalid") return false;
    throw error;
  }
}
