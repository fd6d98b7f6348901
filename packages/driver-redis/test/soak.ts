// SPDX-License-Identifier: Apache-2.0
import { cp, rm } from "node:fs/promises";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { Random } from "@tsoracle/conformance";
import type { LeaderState, Tenure } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import { type RedisServer, waitUntil } from "@tsoracle/test-services";
import type { TrustRestart } from "../src/index.ts";
import { ask, Cluster, type Peer } from "./cluster.ts";

export interface SoakOptions {
  readonly servers: readonly RedisServer[];
  readonly trustRestart: TrustRestart;
  readonly durationMs: number;
  readonly seed: number;
  /** False is a control: servers that do what they must not, while leaders are cut off. */
  readonly checksTenure: boolean;
}

export interface SoakReport {
  readonly grants: number;
  readonly reigns: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Empty if every grant was larger than all that had been made before it, anywhere. */
  readonly violations: readonly string[];
}

/**
 * Drivers that serve, in one process, as the server does: a grant is made in one turn, only while the tenure holds, and
 * only from what was persisted. So the order of grants is known, and each must exceed all before it. Meanwhile nodes are
 * wiped, restarted, rolled back and paused, a minority at a time, and drivers are cut off and made to stand.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { servers, trustRestart } = options;
  const cluster = await Cluster.create(servers, { trustRestart });
  const peers = await Promise.all([0, 1, 2].map(() => cluster.open({ readmission: "automatic" })));
  const ledger = new Ledger();
  const stop = new AbortController();
  const serving = peers.map((peer) => serve(peer, ledger, stop.signal, options.checksTenure));
  const faults = new FaultInjector(cluster, peers, options);
  try {
    await waitUntil("a first grant", () => ledger.grants > 0);
    // On a busy machine the first faults may all miss the leader.
    await faults.run(() => ledger.reigns > 1);
    const before = ledger.grants;
    await waitUntil("service after the last fault", () => ledger.grants > before, { timeoutMs: 30_000 });
  } finally {
    stop.abort();
    for (const peer of peers) await peer[Symbol.asyncDispose]();
    await Promise.allSettled(serving);
  }
  return { grants: ledger.grants, reigns: ledger.reigns, faults: faults.done, violations: ledger.violations };
}

class Ledger {
  grants = 0;
  reigns = 0;
  readonly violations: string[] = [];
  #largest = 0;
  #by: Epoch | undefined;

  grant(value: number, epoch: Epoch): void {
    if (value <= this.#largest) this.violations.push(`${value} of ${epoch} after ${this.#largest} of ${this.#by}`);
    if (epoch !== this.#by) this.reigns += 1;
    this.#largest = Math.max(this.#largest, value);
    this.#by = epoch;
    this.grants += 1;
  }
}

async function serve(peer: Peer, ledger: Ledger, signal: AbortSignal, checksTenure: boolean): Promise<void> {
  let current: LeaderState | undefined;
  for await (const state of peer.driver.leadershipEvents({ signal })) {
    current = state;
    if (state.role !== "leader" || state.tenure === undefined) continue;
    const { epoch, tenure } = state;
    const isOver = (): boolean => signal.aborted || (checksTenure && current !== state);
    void reign(peer, { epoch, tenure, isOver, checksTenure }, ledger).catch(() => {});
  }
}

interface Serving {
  readonly epoch: Epoch;
  readonly tenure: Tenure;
  readonly isOver: () => boolean;
  readonly checksTenure: boolean;
}

async function reign(peer: Peer, serving: Serving, ledger: Ledger): Promise<void> {
  const { epoch, tenure, isOver, checksTenure } = serving;
  let cursor: number = await peer.driver.loadHighWater();
  let ceiling = cursor;
  while (!isOver()) {
    if (cursor >= ceiling) {
      const raised = await peer
        .persist(cursor + (checksTenure ? 200 : 100_000), { epoch, tenure })
        .catch(() => undefined);
      if (raised === undefined) await pause(5);
      else ceiling = raised;
      continue;
    }
    cursor += 1;
    if (!checksTenure || tenure.valid()) ledger.grant(cursor, epoch);
    await turn();
    if (cursor % 5 === 0) await pause(1);
  }
}

class FaultInjector {
  readonly done: Record<string, number> = {};
  readonly #cluster: Cluster;
  readonly #peers: readonly Peer[];
  readonly #random: Random;
  readonly #untilMs: number;
  readonly #isStrict: boolean;
  readonly #isControl: boolean;
  readonly #copies = new Set<number>();

  constructor(cluster: Cluster, peers: readonly Peer[], options: SoakOptions) {
    const { seed, durationMs, trustRestart, checksTenure } = options;
    this.#isControl = !checksTenure;
    this.#cluster = cluster;
    this.#peers = peers;
    this.#random = new Random(seed);
    this.#untilMs = performance.now() + durationMs;
    this.#isStrict = trustRestart === "never";
  }

  /** Goes on beyond its time until there is enough to see, for another minute at most. */
  async run(isEnough: () => boolean): Promise<void> {
    const faults = this.#isControl ? ([["cut leader", () => this.#cutLeader()]] as const) : this.#faults();
    const isDue = (): boolean => {
      const leftMs = this.#untilMs - performance.now();
      return leftMs > 0 || (leftMs > -60_000 && !isEnough());
    };
    while (isDue()) {
      const [name, inject] = faults[this.#random.below(faults.length)] as (typeof faults)[number];
      await inject();
      this.done[name] = (this.done[name] ?? 0) + 1;
      await pause(this.#random.below(400));
    }
  }

  #faults(): readonly (readonly [string, () => Promise<void>])[] {
    return [
      ["wipe", () => this.#onWhole((server) => server.wipe())],
      ["restart", () => this.#onWhole((server) => this.#restart(server))],
      ["pause", () => this.#pause()],
      ["cut", () => this.#cut()],
      ["cut leader", () => this.#cutLeader()],
      ["stand", async () => this.#anyPeer().driver.stand()],
      ["resign", () => this.#anyPeer().driver.resign("the test asks for it")],
      ...(this.#isStrict ? ([["roll back", () => this.#rollBack()]] as const) : []),
    ];
  }

  /** Does something to one node, once every node has its vote: never to a majority together. */
  async #onWhole(act: (server: RedisServer, index: number) => Promise<void>): Promise<void> {
    await waitUntil("every node to vote", () => this.#allVote(), { timeoutMs: 30_000, everyMs: 20 });
    const index = this.#random.below(this.#cluster.servers.length);
    await act(this.#cluster.servers[index] as RedisServer, index);
  }

  async #allVote(): Promise<boolean> {
    const { servers, key } = this.#cluster;
    const votes = servers.map(async ({ url }) => {
      const [rid, info] = await Promise.all([ask(url, "HGET", key, "rid"), ask(url, "INFO", "server")]);
      return typeof rid === "string" && (!this.#isStrict || String(info).includes(rid));
    });
    return (await Promise.all(votes).catch(() => [false])).every((votes) => votes);
  }

  async #restart(server: RedisServer): Promise<void> {
    await server.kill();
    await server.restart();
  }

  /** The first time a copy is kept; from the second time on, the node goes back to it. */
  async #rollBack(): Promise<void> {
    await this.#onWhole(async (server, index) => {
      const directory = server.dataDirectory as string;
      const copy = `${directory}.old`;
      await server.kill();
      if (this.#copies.has(index)) {
        await rm(directory, { recursive: true });
        await cp(copy, directory, { recursive: true });
      } else await cp(directory, copy, { recursive: true });
      this.#copies.add(index);
      await server.restart();
    });
  }

  async #pause(): Promise<void> {
    const server = this.#cluster.servers[this.#random.below(3)] as RedisServer;
    await server.pause();
    await pause(this.#random.below(1_200));
    await server.resume();
  }

  async #cut(): Promise<void> {
    const peer = this.#anyPeer();
    const all = [0, 1, 2];
    const some = this.#random.oneIn(2) ? all : all.filter(() => this.#random.oneIn(2));
    peer.cut(...some);
    await pause(this.#random.below(2_000));
    peer.heal(...some);
  }

  /** Until another leads, or would if it could. */
  async #cutLeader(): Promise<void> {
    const states = await Promise.all(this.#peers.map((peer) => peer.state()));
    const leader = this.#peers[states.findIndex((state) => state?.role === "leader")];
    leader?.cut(0, 1, 2);
    await pause(2_000);
    leader?.heal(0, 1, 2);
  }

  #anyPeer(): Peer {
    return this.#peers[this.#random.below(this.#peers.length)] as Peer;
  }
}
