// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { LeaderState, Tenure } from "@tsoracle/consensus";
import { type Epoch, type PhysicalMs, physicalMs } from "@tsoracle/core";
import { FaultProxy, type RedisServer, waitUntil } from "@tsoracle/test-services";
import { Redis } from "ioredis";
import type { OpenRedisDriver } from "../src/driver.ts";
import { initRedisNodes, openRedisDriver, type RedisDriverOptions, type RedisWarning } from "../src/index.ts";
import { stateOf, TEST_OP_TIMEOUT_MS, TEST_TERMS } from "./subject.ts";

/** A reign as its holder sees it. */
export interface SeenReign {
  readonly epoch: Epoch;
  readonly tenure: Tenure;
}

/** One driver and its own way to each node. */
export class Peer implements AsyncDisposable {
  readonly driver: OpenRedisDriver;
  readonly proxies: readonly FaultProxy[];
  readonly warnings: readonly RedisWarning[];

  constructor(driver: OpenRedisDriver, proxies: readonly FaultProxy[], warnings: readonly RedisWarning[]) {
    this.driver = driver;
    this.proxies = proxies;
    this.warnings = warnings;
  }

  async reign(): Promise<SeenReign> {
    const leads = async (): Promise<SeenReign | undefined> => {
      const state = await stateOf(this.driver);
      return state?.role === "leader" && state.tenure !== undefined ? { ...state, tenure: state.tenure } : undefined;
    };
    return await waitUntil("a driver to lead", leads);
  }

  async state(): Promise<LeaderState | undefined> {
    return await stateOf(this.driver);
  }

  persist(value: number, { epoch }: SeenReign): Promise<PhysicalMs> {
    return this.driver.persistHighWater(physicalMs(value), epoch);
  }

  /** Nothing passes to or from these nodes; what is sent waits on the way. */
  cut(...nodes: readonly number[]): void {
    for (const node of nodes) this.proxies[node]?.set({ up: "hold", down: "hold" });
  }

  heal(...nodes: readonly number[]): void {
    for (const node of nodes) this.proxies[node]?.set({ up: "pass", down: "pass" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver[Symbol.asyncDispose]();
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }
}

export type ClusterOptions = Partial<Omit<RedisDriverOptions, "nodes" | "advertise">>;

/**
 * For tests in which nobody crashes, so that a long tenure costs nothing: a disk that others keep busy may take a second or
 * two.
 */
export const UNHURRIED: ClusterOptions = { tenure: { tenureMs: 10_000, drift: 0.1 }, opTimeoutMs: 2_400 };

/** One oracle on real nodes. */
export class Cluster {
  readonly servers: readonly RedisServer[];
  readonly options: Omit<RedisDriverOptions, "nodes" | "advertise">;
  readonly key: string;

  constructor(servers: readonly RedisServer[], options: ClusterOptions = {}) {
    this.servers = servers;
    this.options = {
      name: `test-${randomUUID()}`,
      tenure: TEST_TERMS,
      opTimeoutMs: TEST_OP_TIMEOUT_MS,
      ...options,
    };
    this.key = `{tso:${this.options.name}}:reg`;
  }

  static async create(servers: readonly RedisServer[], options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(servers, options);
    await initRedisNodes({ ...cluster.options, nodes: cluster.urls });
    return cluster;
  }

  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url);
  }

  async open(overrides: ClusterOptions = {}): Promise<Peer> {
    const proxies = await Promise.all(this.servers.map((server) => FaultProxy.open(server)));
    const warnings: RedisWarning[] = [];
    try {
      const driver = await openRedisDriver({
        ...this.options,
        onWarning: (warning) => warnings.push(warning),
        ...overrides,
        nodes: proxies.map((proxy, index) => proxy.url(this.servers[index]?.url ?? "")),
        advertise: "127.0.0.1:50051",
      });
      return new Peer(driver as OpenRedisDriver, proxies, warnings);
    } catch (error) {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      throw error;
    }
  }

  /** One command on one node, from outside. */
  async command(node: number, ...words: readonly (string | number)[]): Promise<unknown> {
    const [server] = [this.servers[node]];
    return await ask(server?.url ?? "", ...words);
  }

  /** The high-waters that the nodes hold; undefined for an empty one. */
  async held(): Promise<readonly (number | undefined)[]> {
    const texts = await Promise.all(this.servers.map((_, node) => this.command(node, "HGET", this.key, "hw")));
    return texts.map((text) => (typeof text === "string" ? Number(text) : undefined));
  }

  /**
   * Brings every node to this value, as what a test begins with: a majority is enough for a persist, and on a busy disk its
   * answer may come too late.
   */
  async raiseAll(peer: Peer, value: number, reign: SeenReign): Promise<void> {
    await waitUntil(`every node to hold ${value}`, async () => {
      await peer.persist(value, reign).catch(() => {});
      return (await this.held()).every((held) => held === value);
    });
  }

  /** Makes every node forget that somebody holds it, as a step of its clock would. */
  async expireDampers(): Promise<void> {
    await Promise.all(this.servers.map((_, node) => this.command(node, "HSET", this.key, "lx", "0")));
  }
}

export async function ask(url: string, ...words: readonly (string | number)[]): Promise<unknown> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  });
  redis.on("error", () => {});
  try {
    await redis.connect();
    const [command = "", ...args] = words.map(String);
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}
