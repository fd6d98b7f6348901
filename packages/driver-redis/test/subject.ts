// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { LeaderState, TenureTerms } from "@tsoracle/consensus";
import { FaultProxy, type RedisServer, waitUntil } from "@tsoracle/test-services";
import { Redis } from "ioredis";
import type { OpenRedisDriver } from "../src/driver.ts";
import { type Freshness, initRedisNodes, openRedisDriver, redisCapabilitiesOf } from "../src/index.ts";

/** A crash costs a little more than this. Twice what is allowed, for the sake of the next. */
export const TEST_TERMS: TenureTerms = { tenureMs: 2_000, drift: 0.1 };
/** As long as may be: real servers sync real disks, and tests share the machine. */
export const TEST_OP_TIMEOUT_MS = 480;

/**
 * Longer in the kit, which takes a call that is not answered in time for something it cannot judge: five servers sync for
 * each write, and the machine may be busy with others.
 */
const KIT_TERMS: TenureTerms = { tenureMs: 3_000, drift: TEST_TERMS.drift };
const KIT_OP_TIMEOUT_MS = 720;

export interface RedisSubjectOptions {
  /** How many Redis nodes the register has. @defaultValue 5 */
  readonly redisNodes?: number;
  readonly freshness?: Freshness;
  /** Servers to share with others: the first `redisNodes` of them are used. */
  readonly redis: () => readonly RedisServer[] | Promise<readonly RedisServer[]>;
}

/** Three driver nodes on real Redis nodes, each through proxies of its own. */
export function redisSubject({ redisNodes = 5, freshness = "lease", redis }: RedisSubjectOptions): Subject {
  const servers = async (): Promise<readonly RedisServer[]> => (await redis()).slice(0, redisNodes);
  const mode = freshness === "lease" ? "" : `-${freshness}`;
  return {
    name: `redis${redisNodes === 5 ? "" : `-${redisNodes}-nodes`}${mode}`,
    capabilities: redisCapabilitiesOf("replicated", freshness),
    nodes: 3,
    stores: redisNodes,
    faults: ["crash", "loseReply", "stall", "elect", "partition", "wipe"],
    resigns: true,
    waivers: { setSequence: "the driver has no sequences" },
    provision: async () => RedisUniverse.create(await servers(), freshness),
  };
}

/** The life of one driver node: its driver, and its own way to each Redis. */
interface Life {
  readonly driver: OpenRedisDriver;
  readonly proxies: readonly FaultProxy[];
}

export class RedisUniverse implements Universe {
  readonly faults: Omit<Faults, "setSequence"> = {
    crash: (node) => this.#crash(node),
    loseReply: async (node) => this.#loseReply(node),
    stall: async (node) => this.#stall(node),
    elect: (node) => this.#elect(node),
    partition: async (groups) => this.#partition(groups),
    wipe: (store) => this.#wipe(store),
  };
  readonly #servers: readonly RedisServer[];
  readonly #freshness: Freshness;
  readonly #name: string;
  readonly #lives = new Map<number, Life>();
  readonly #dying: Promise<void>[] = [];

  private constructor(servers: readonly RedisServer[], freshness: Freshness) {
    this.#servers = servers;
    this.#freshness = freshness;
    this.#name = `kit-${randomUUID()}`;
  }

  static async create(servers: readonly RedisServer[], freshness: Freshness): Promise<RedisUniverse> {
    const universe = new RedisUniverse(servers, freshness);
    await initRedisNodes({ ...universe.#options(), nodes: servers.map(({ url }) => url) });
    return universe;
  }

  async open(node: number): Promise<OpenRedisDriver> {
    const before = this.#lives.get(node);
    this.#lives.delete(node);
    if (before !== undefined) await this.#end(before);
    const proxies = await Promise.all(this.#servers.map((server) => FaultProxy.open(server)));
    const nodes = proxies.map((proxy, index) => proxy.url(this.#servers[index]?.url ?? ""));
    try {
      const driver = await openRedisDriver({ ...this.#options(), nodes, advertise: `127.0.0.1:${50_051 + node}` });
      const life = { driver: driver as OpenRedisDriver, proxies };
      this.#lives.set(node, life);
      return life.driver;
    } catch (error) {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#lives.values()].map((life) => this.#end(life)));
    await Promise.all(this.#dying);
  }

  #options(): { name: string; freshness: Freshness; tenure: TenureTerms; opTimeoutMs: number } {
    return { name: this.#name, freshness: this.#freshness, tenure: KIT_TERMS, opTimeoutMs: KIT_OP_TIMEOUT_MS };
  }

  async #end({ driver, proxies }: Life): Promise<void> {
    await driver[Symbol.asyncDispose]();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }

  /** Nothing that it does from now on reaches any node; what is left of it ends by itself. */
  async #crash(node: number): Promise<void> {
    const life = this.#life(node);
    this.#lives.delete(node);
    await Promise.all(life.proxies.map((proxy) => proxy.close()));
    this.#dying.push(life.driver[Symbol.asyncDispose]());
  }

  #loseReply(node: number): void {
    for (const proxy of this.#life(node).proxies) void proxy.loseReply();
  }

  #stall(node: number): Release {
    const { proxies } = this.#life(node);
    for (const proxy of proxies) proxy.set({ up: "hold" });
    return () => {
      for (const proxy of proxies) proxy.set({ up: "pass" });
    };
  }

  /** The store stays with the first group; the others reach nothing. */
  #partition(groups: readonly (readonly number[])[]): Release {
    const cut = groups
      .slice(1)
      .flat()
      .flatMap((node) => this.#lives.get(node)?.proxies ?? []);
    for (const proxy of cut) proxy.set({ up: "hold", down: "hold" });
    return () => {
      for (const proxy of cut) proxy.set({ up: "pass", down: "pass" });
    };
  }

  /** The node forgets this oracle, as a lost disk forgets all: other universes are on the same servers. */
  async #wipe(store: number): Promise<void> {
    const server = this.#servers[store];
    if (server === undefined) throw new TypeError(`there is no Redis node ${store}`);
    const redis = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null });
    redis.on("error", () => {});
    try {
      await redis.connect();
      if ((await redis.del(`{tso:${this.#name}}:reg`)) !== 1) throw new Error(`Redis node ${store} held no register`);
    } finally {
      redis.disconnect();
    }
  }

  /** Whoever else wins in between resigns again. */
  async #elect(node: number): Promise<void> {
    const target = this.#life(node).driver;
    for (const { driver } of this.#lives.values()) await resignIfLeading(driver);
    target.stand();
    await waitUntil(
      `node ${node} to lead`,
      async () => {
        if ((await stateOf(target))?.role === "leader") return true;
        for (const { driver } of this.#lives.values()) {
          if (driver !== target && (await resignIfLeading(driver))) target.stand();
        }
        return false;
      },
      { everyMs: 10 },
    );
  }

  #life(node: number): Life {
    const life = this.#lives.get(node);
    if (life === undefined) throw new TypeError(`open node ${node} first`);
    return life;
  }
}

async function resignIfLeading(driver: OpenRedisDriver): Promise<boolean> {
  if ((await stateOf(driver))?.role !== "leader") return false;
  await driver.resign("the subject elects another node");
  return true;
}

/** The first item of a new stream is the present state; undefined once the driver is disposed. */
export async function stateOf(driver: OpenRedisDriver): Promise<LeaderState | undefined> {
  const stop = new AbortController();
  try {
    for await (const item of driver.leadershipEvents({ signal: stop.signal })) return item;
    return undefined;
  } finally {
    stop.abort();
  }
}
