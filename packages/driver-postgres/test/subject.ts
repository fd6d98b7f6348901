// SPDX-License-Identifier: Apache-2.0
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { Epoch, SeqKey } from "@tsoracle/core";
import { FaultProxy, type PostgresServer, runSql } from "@tsoracle/test-services";
import { type Freshness, openPostgresDriver, type PostgresDriver, postgresCapabilitiesOf } from "../src/index.ts";
import { asRole, leads } from "./node.ts";
import { prepareOracle, SCHEMA } from "./oracle.ts";

const NODES = 3;
const SEQ_KEY_CAP = 20;
/**
 * Longer than in the other tests: the kit takes a reign that ends by itself for a fault of the driver, and on a busy
 * machine a disk may keep a commit waiting for half a second.
 */
const TENURE_MS = 1_500;
const OP_TIMEOUT_MS = 750;

let universes = 0;

/** The Postgres driver on a real server over TCP faults: three nodes, one proxy for each life of each. */
export function postgresSubject(server: () => PostgresServer | Promise<PostgresServer>, freshness: Freshness): Subject {
  return {
    name: freshness === "lease" ? "postgres" : "postgres (confirm)",
    capabilities: postgresCapabilitiesOf("fsync", freshness),
    nodes: NODES,
    faults: ["crash", "loseReply", "stall", "elect", "partition", "setSequence"],
    resigns: true,
    seqKeyCap: SEQ_KEY_CAP,
    provision: async () => {
      universes += 1;
      const oracle = `universe-${universes}`;
      const started = await server();
      await prepareOracle(started.url, oracle, { freshness, tenureMs: TENURE_MS });
      return new PostgresUniverse(started, oracle, freshness);
    },
  };
}

/** One life of a node: its driver, and the only way it has to the server. */
interface Life {
  readonly driver: PostgresDriver;
  readonly proxy: FaultProxy;
  mayLead: boolean;
}

class PostgresUniverse implements Universe {
  readonly faults: Omit<Faults, "wipe"> = {
    crash: (node) => this.#crash(node),
    loseReply: (node) => this.#loseReply(node),
    stall: (node) => this.#stall(node),
    elect: (node) => this.#elect(node),
    partition: (groups) => this.#partition(groups),
    setSequence: (key, next) => this.#setSequence(key, next),
  };
  readonly #server: PostgresServer;
  readonly #database: string;
  readonly #oracle: string;
  readonly #freshness: Freshness;
  readonly #lives = new Map<number, Life>();
  /** Disposals of crashed drivers, which nobody waits for until the end. */
  readonly #dead: Promise<void>[] = [];

  constructor(server: PostgresServer, oracle: string, freshness: Freshness) {
    this.#server = server;
    this.#database = server.url;
    this.#oracle = oracle;
    this.#freshness = freshness;
  }

  async open(node: number): Promise<PostgresDriver> {
    await this.#lives.get(node)?.proxy.close();
    const proxy = await FaultProxy.open(this.#server);
    const life = { mayLead: true } as { -readonly [Field in keyof Life]: Life[Field] };
    life.proxy = proxy;
    life.driver = await openPostgresDriver({
      url: asRole(proxy.url(this.#database)),
      oracle: this.#oracle,
      advertise: `127.0.0.1:${50_000 + node}`,
      schema: SCHEMA,
      freshness: this.#freshness,
      tenureMs: TENURE_MS,
      opTimeoutMs: OP_TIMEOUT_MS,
      seqKeyCap: SEQ_KEY_CAP,
      mayLead: () => life.mayLead,
    });
    this.#lives.set(node, life);
    return life.driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { driver, proxy } of this.#lives.values()) {
      await driver[Symbol.asyncDispose]();
      await proxy.close();
    }
    await Promise.all(this.#dead);
  }

  /** Its connections are reset, as the kernel does for a process that was killed, and nothing more gets through. */
  async #crash(node: number): Promise<void> {
    const { driver, proxy } = this.#life(node);
    this.#lives.delete(node);
    await proxy.close();
    this.#dead.push(Promise.resolve(driver[Symbol.asyncDispose]()));
  }

  /** Armed when nothing of the driver's own is under way, so that it strikes the next call. */
  async #loseReply(node: number): Promise<void> {
    const { driver, proxy } = this.#life(node);
    await driver.loadHighWater();
    void proxy.loseReply();
  }

  async #stall(node: number): Promise<Release> {
    const { proxy } = this.#life(node);
    proxy.set({ up: "hold" });
    return () => proxy.set({ up: "pass" });
  }

  /** The others do not want to lead for a moment, and whoever leads resigns. */
  async #elect(node: number): Promise<void> {
    const target = this.#life(node);
    const before = await this.#newestEpoch();
    for (const life of this.#lives.values()) life.mayLead = life === target;
    try {
      await Promise.all([...this.#lives.values()].map(({ driver }) => driver.resign("the kit elects another")));
      await leads(target.driver, before);
    } finally {
      for (const life of this.#lives.values()) life.mayLead = true;
    }
  }

  async #partition(groups: readonly (readonly number[])[]): Promise<Release> {
    const cutOff = groups.slice(1).flatMap((group) => group.map((node) => this.#life(node).proxy));
    for (const proxy of cutOff) proxy.set({ up: "hold", down: "hold" });
    return () => {
      for (const proxy of cutOff) proxy.set({ up: "pass", down: "pass" });
    };
  }

  async #setSequence(key: SeqKey, next: bigint): Promise<void> {
    await runSql(
      this.#database,
      `INSERT INTO ${SCHEMA}.dense (oracle, key, next) VALUES ('${this.#oracle}', '${key}', ${next})`,
    );
  }

  async #newestEpoch(): Promise<Epoch> {
    const [row] = await runSql(
      this.#database,
      `SELECT epoch_hi, epoch_lo FROM ${SCHEMA}.oracle WHERE name = '${this.#oracle}'`,
    );
    return ((BigInt(String(row?.["epoch_hi"])) << 64n) | BigInt(String(row?.["epoch_lo"]))) as Epoch;
  }

  #life(node: number): Life {
    const life = this.#lives.get(node);
    if (life === undefined) throw new TypeError(`open node ${node} first`);
    return life;
  }
}
