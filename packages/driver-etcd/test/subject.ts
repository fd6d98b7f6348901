// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { TenureTerms } from "@tsoracle/consensus";
import type { SeqKey } from "@tsoracle/core";
import { type EtcdServer, FaultProxy } from "@tsoracle/test-services";
import { type EtcdDriver, etcdCapabilitiesOf, type Freshness, initEtcdOracle, openEtcdDriver } from "../src/index.ts";
import { OracleKeys } from "../src/keys.ts";
import { be64 } from "../src/records.ts";
import { putKey } from "./gateway.ts";
import { leads, stateOf } from "./node.ts";

const NODES = 3;
const SEQ_KEY_CAP = 20;
/**
 * Longer than in the other tests: the kit takes a reign that ends by itself for a fault of the driver, and on a busy
 * machine a disk may keep a write waiting for half a second.
 */
const TENURE_MS = 1_500;

export interface EtcdSubjectOptions {
  readonly freshness?: Freshness;
  /** Longer where several members share a busy machine and lose their own leader now and then. @defaultValue 1500 */
  readonly tenureMs?: number;
  /** The members of one cluster, asked for by each universe. */
  readonly etcd: () => readonly EtcdServer[] | Promise<readonly EtcdServer[]>;
}

/** Three driver nodes on a real etcd, each through a proxy of its own to every member. */
export function etcdSubject({ freshness = "lease", tenureMs = TENURE_MS, etcd }: EtcdSubjectOptions): Subject {
  return {
    name: freshness === "lease" ? "etcd" : "etcd (confirm)",
    capabilities: etcdCapabilitiesOf(freshness),
    nodes: NODES,
    faults: ["crash", "loseReply", "stall", "elect", "partition", "setSequence"],
    resigns: true,
    seqKeyCap: SEQ_KEY_CAP,
    provision: async () => await EtcdUniverse.create(await etcd(), freshness, { tenureMs, drift: 0.1 }),
  };
}

/** One life of a node: its driver, and its only ways to the members. */
interface Life {
  readonly driver: EtcdDriver;
  readonly proxies: readonly FaultProxy[];
}

class EtcdUniverse implements Universe {
  readonly faults: Omit<Faults, "wipe"> = {
    crash: (node) => this.#crash(node),
    loseReply: async (node) => this.#loseReply(node),
    stall: async (node) => this.#stall(node),
    elect: (node) => this.#elect(node),
    partition: async (groups) => this.#partition(groups),
    setSequence: (key, next) => this.#setSequence(key, next),
  };
  readonly #servers: readonly EtcdServer[];
  readonly #freshness: Freshness;
  readonly #tenure: TenureTerms;
  readonly #keys = new OracleKeys(`/kit/${randomUUID()}/`);
  readonly #lives = new Map<number, Life>();
  /** Disposals of crashed drivers, which nobody waits for until the end. */
  readonly #dead: Promise<void>[] = [];

  private constructor(servers: readonly EtcdServer[], freshness: Freshness, tenure: TenureTerms) {
    this.#servers = servers;
    this.#freshness = freshness;
    this.#tenure = tenure;
  }

  static async create(
    servers: readonly EtcdServer[],
    freshness: Freshness,
    tenure: TenureTerms,
  ): Promise<EtcdUniverse> {
    const universe = new EtcdUniverse(servers, freshness, tenure);
    const endpoints = servers.map(({ url }) => url);
    await initEtcdOracle({ endpoints, prefix: universe.#keys.prefix, freshness, tenure });
    return universe;
  }

  async open(node: number): Promise<EtcdDriver> {
    const before = this.#lives.get(node);
    if (before !== undefined) await this.#end(before);
    const proxies = await Promise.all(this.#servers.map((server) => FaultProxy.open(server)));
    const driver = await openEtcdDriver({
      endpoints: proxies.map((proxy) => `127.0.0.1:${proxy.port}`),
      prefix: this.#keys.prefix,
      advertise: `127.0.0.1:${50_000 + node}`,
      freshness: this.#freshness,
      tenure: this.#tenure,
      opTimeoutMs: this.#tenure.tenureMs / 2,
      seqKeyCap: SEQ_KEY_CAP,
    });
    this.#lives.set(node, { driver, proxies });
    return driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#lives.values()].map((life) => this.#end(life)));
    await Promise.all(this.#dead);
  }

  async #end({ driver, proxies }: Life): Promise<void> {
    await driver[Symbol.asyncDispose]();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }

  /** Its connections are reset, as the kernel does for a process that was killed, and nothing more gets through. */
  async #crash(node: number): Promise<void> {
    const { driver, proxies } = this.#life(node);
    this.#lives.delete(node);
    await Promise.all(proxies.map((proxy) => proxy.close()));
    this.#dead.push(Promise.resolve(driver[Symbol.asyncDispose]()));
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

  /** Whoever stands before it resigns, and so stands behind it; it does so itself first, for a new epoch. */
  async #elect(node: number): Promise<void> {
    const target = this.#life(node).driver;
    const before = await stateOf(target);
    if (before?.role === "leader") await target.resign("the kit elects it anew");
    const above = before?.role === "leader" ? before.epoch : -1n;
    const elected = new AbortController();
    const others = [...this.#lives.values()].filter(({ driver }) => driver !== target);
    const yielding = others.map(async ({ driver }) => {
      for await (const item of driver.leadershipEvents({ signal: elected.signal })) {
        if (item.role === "leader") await driver.resign("the kit elects another");
      }
    });
    await leads(target, above);
    elected.abort();
    await Promise.all(yielding);
  }

  /** The store stays with the first group; the others reach nothing. */
  #partition(groups: readonly (readonly number[])[]): Release {
    const cut = groups
      .slice(1)
      .flat()
      .flatMap((node) => this.#life(node).proxies);
    for (const proxy of cut) proxy.set({ up: "hold", down: "hold" });
    return () => {
      for (const proxy of cut) proxy.set({ up: "pass", down: "pass" });
    };
  }

  async #setSequence(key: SeqKey, next: bigint): Promise<void> {
    await putKey(this.#servers[0]?.url ?? "", this.#keys.sequence(key), be64(next));
  }

  #life(node: number): Life {
    const life = this.#lives.get(node);
    if (life === undefined) throw new TypeError(`open node ${node} first`);
    return life;
  }
}
