// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";
import { peerEndpoint } from "@tsoracle/core";
import { openPostgresDriver, postgresCapabilities } from "@tsoracle/driver-postgres";
import { QuorumPolicy } from "@tsoracle/quorum";
import { quorumCapabilities, quorumDriver } from "@tsoracle/quorum/driver";
import { FaultProxy, type PostgresServer, runSql } from "@tsoracle/test-services";
import { asRole } from "../packages/driver-postgres/test/node.ts";
import { prepareOracle, SCHEMA } from "../packages/driver-postgres/test/oracle.ts";

const MEMBERS = 3;
/** As in the subject of one Postgres: a reign that a slow disk ends would be taken for a fault of the driver. */
const TENURE_MS = 1_500;
const OP_TIMEOUT_MS = 750;
/** Above what a member may take, so that it is the member that says what went wrong. */
const ROUND_MS = 1_500;

/** One oracle of three Postgres servers that know nothing of each other: three nodes, each with a way to every server. */
export function quorumOfPostgresSubject(
  servers: () => readonly PostgresServer[] | Promise<readonly PostgresServer[]>,
): Subject {
  return {
    name: "quorum-of-postgres",
    capabilities: quorumCapabilities(Array.from({ length: MEMBERS }, () => postgresCapabilities)),
    nodes: 3,
    stores: MEMBERS,
    faults: ["crash", "loseReply", "stall", "elect", "partition", "wipe"],
    resigns: true,
    callTimeoutMs: 4 * ROUND_MS,
    waivers: { setSequence: "the driver has no sequences" },
    provision: async () => {
      const universe = new PostgresQuorumUniverse((await servers()).slice(0, MEMBERS));
      await universe.prepare();
      return universe;
    },
  };
}

/** One life of a node: its driver, and its only ways to the servers. */
interface Life {
  readonly driver: ConsensusDriver;
  readonly proxies: readonly FaultProxy[];
  readonly may: { lead: boolean };
}

class PostgresQuorumUniverse implements Universe {
  readonly faults: Omit<Faults, "setSequence"> = {
    crash: (node) => this.#crash(node),
    loseReply: (node) => this.#loseReply(node),
    stall: async (node) => hold(this.#life(node).proxies, { up: "hold" }),
    elect: (node) => this.#elect(node),
    partition: async (groups) => this.#partition(groups),
    wipe: (store) => this.#wipe(store),
  };
  readonly #servers: readonly PostgresServer[];
  readonly #oracle = `quorum-${randomUUID()}`;
  readonly #lives = new Map<number, Life>();
  readonly #dead: Promise<void>[] = [];

  constructor(servers: readonly PostgresServer[]) {
    this.#servers = servers;
  }

  async prepare(): Promise<void> {
    for (const { url } of this.#servers) await prepareOracle(url, this.#oracle, { tenureMs: TENURE_MS });
  }

  async open(node: number): Promise<ConsensusDriver> {
    await this.#close(this.#lives.get(node));
    const endpoint = peerEndpoint(`127.0.0.1:${50_100 + node}`);
    const proxies = await Promise.all(this.#servers.map((server) => FaultProxy.open(server)));
    const may = { lead: true };
    const members = await Promise.allSettled(
      proxies.map((proxy, index) =>
        openPostgresDriver({
          url: asRole(proxy.url(this.#servers[index]?.url ?? "")),
          oracle: this.#oracle,
          advertise: endpoint,
          schema: SCHEMA,
          tenureMs: TENURE_MS,
          opTimeoutMs: OP_TIMEOUT_MS,
          mayLead: () => may.lead,
        }),
      ),
    );
    const drivers = members.flatMap((member) => (member.status === "fulfilled" ? [member.value] : []));
    const failure = members.find((member) => member.status === "rejected");
    if (failure !== undefined) {
      await Promise.all(drivers.map((driver) => driver[Symbol.asyncDispose]()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      throw failure.reason;
    }
    const driver = quorumDriver({
      drivers: drivers.map((member, index) => ({ id: `server-${index}`, driver: member })),
      policy: new QuorumPolicy({ n: MEMBERS, w: 2, ackTimeoutMs: ROUND_MS }),
      endpoint,
      pollMs: 50,
      yieldAfterMs: 250,
    });
    this.#lives.set(node, { driver, proxies, may });
    return driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const life of this.#lives.values()) await this.#close(life);
    await Promise.all(this.#dead);
  }

  async #close(life: Life | undefined): Promise<void> {
    if (life === undefined) return;
    await life.driver[Symbol.asyncDispose]();
    await Promise.all(life.proxies.map((proxy) => proxy.close()));
  }

  /** Its connections are reset, as the kernel does for a process that was killed, and nothing more gets through. */
  async #crash(node: number): Promise<void> {
    const { driver, proxies } = this.#life(node);
    this.#lives.delete(node);
    await Promise.all(proxies.map((proxy) => proxy.close()));
    this.#dead.push(Promise.resolve(driver[Symbol.asyncDispose]()));
  }

  /** Of every server, or the others would answer for the one. */
  async #loseReply(node: number): Promise<void> {
    const { driver, proxies } = this.#life(node);
    await driver.loadHighWater();
    for (const proxy of proxies) void proxy.loseReply();
  }

  /** The servers stay with the first group; they see for themselves that their leader is gone. */
  #partition(groups: readonly (readonly number[])[]): Release {
    const cutOff = groups.slice(1).flatMap((group) => group.flatMap((node) => this.#life(node).proxies));
    return hold(cutOff, { up: "hold", down: "hold" });
  }

  /** The others do not want to lead any server for a moment, and whoever leads one resigns. */
  async #elect(node: number): Promise<void> {
    const target = this.#life(node);
    const lives = [...this.#lives.values()];
    const before = epochOf(await firstItem(target.driver));
    for (const { may } of lives) may.lead = false;
    await Promise.all(lives.map(({ driver }) => driver.resign?.("the kit elects another")));
    target.may.lead = true;
    try {
      const stop = new AbortController();
      for await (const item of target.driver.leadershipEvents({ signal: stop.signal })) {
        if (item.role === "leader" && item.epoch > before) stop.abort();
      }
    } finally {
      for (const { may } of lives) may.lead = true;
    }
  }

  /** The server forgets this oracle, as one that was set up anew; others are on it too. */
  async #wipe(store: number): Promise<void> {
    const { url } = this.#servers[store] ?? {};
    if (url === undefined) throw new TypeError(`there is no server ${store}`);
    // One transaction that holds the oracle's row first, as the nodes do: one that writes in between would add to what goes.
    await runSql(
      url,
      `SELECT FROM ${SCHEMA}.oracle WHERE name = '${this.#oracle}' FOR UPDATE;
       DELETE FROM ${SCHEMA}.dense WHERE oracle = '${this.#oracle}';
       DELETE FROM ${SCHEMA}.oracle WHERE name = '${this.#oracle}';`,
    );
  }

  #life(node: number): Life {
    const life = this.#lives.get(node);
    if (life === undefined) throw new TypeError(`open node ${node} first`);
    return life;
  }
}

function hold(proxies: readonly FaultProxy[], flows: Parameters<FaultProxy["set"]>[0]): Release {
  for (const proxy of proxies) proxy.set(flows);
  return () => {
    for (const proxy of proxies) proxy.set({ up: "pass", down: "pass" });
  };
}

async function firstItem(driver: ConsensusDriver): Promise<LeaderState | undefined> {
  const stop = new AbortController();
  try {
    for await (const item of driver.leadershipEvents({ signal: stop.signal })) return item;
    return undefined;
  } finally {
    stop.abort();
  }
}

/** The newest epoch that a node's own stream names now. */
function epochOf(item: LeaderState | undefined): bigint {
  if (item?.role === "leader") return item.epoch;
  return item?.role === "follower" ? (item.leaderEpoch ?? -1n) : -1n;
}
