// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";
import { peerEndpoint, type SeqKey } from "@tsoracle/core";
import { FaultProxy, freePorts, waitUntil } from "@tsoracle/test-services";
import { type FirstMember, type Freshness, formatRaftDirectory, raftCapabilitiesOf } from "../src/index.ts";
import { Machine } from "../src/node/machine/machine.ts";
import { openStorage } from "../src/storage/open-storage.ts";
import { RealDirectory } from "../src/storage/real-directory.ts";
import { inThread, type KitNode, type Launch } from "./kit-node.ts";
import type { NodeHosts } from "./processes/node-hosts.ts";

/** Small, so that a run over it is short. */
const SEQ_KEY_CAP = 64;
/** Longer than an election mostly takes, and short enough for clauses that wait for many calls to fail. */
const OP_TIMEOUT_MS = 3_000;

export interface RaftSubjectOptions {
  /** @defaultValue "confirm" */
  readonly freshness?: Freshness;
  /** @defaultValue 3 */
  readonly nodes?: 3 | 5;
  /** Gives each node a process of its own, whose crash is kill -9. Without it, nodes are threads of this process. */
  readonly hosts?: () => Promise<NodeHosts>;
}

/** Three or five nodes with real disks and sockets, each pair over connections that can fail. */
export function raftSubject({ freshness = "confirm", nodes = 3, hosts }: RaftSubjectOptions = {}): Subject {
  const size = nodes === 3 ? "" : `-${nodes}-nodes`;
  const mode = freshness === "confirm" ? "" : `-${freshness}`;
  const launch: Launch = hosts === undefined ? inThread : async (options) => await (await hosts()).open(options);
  return {
    name: `raft${size}${mode}${hosts === undefined ? "-threads" : ""}`,
    capabilities: raftCapabilitiesOf(freshness),
    nodes,
    stores: nodes,
    faults: ["crash", "loseReply", "stall", "elect", "partition", "setSequence", "wipe"],
    resigns: true,
    seqKeyCap: SEQ_KEY_CAP,
    provision: () => RaftUniverse.create(freshness, nodes, launch),
  };
}

/** Ports that some universe of this process has: a node that is down must find its own free when it comes back. */
const taken = new Set<number>();

async function ownPorts(count: number): Promise<readonly number[]> {
  for (;;) {
    const ports = await freePorts(count);
    if (ports.some((port) => taken.has(port))) continue;
    for (const port of ports) taken.add(port);
    return ports;
  }
}

/** What goes on between two nodes, in both directions of the pair. */
type Flow = "pass" | "hold";

export class RaftUniverse implements Universe {
  readonly faults: Faults = {
    crash: (node) => this.#crash(node),
    loseReply: (node) => this.#loseReply(node),
    stall: async (node) => this.#stall(node),
    elect: (node) => this.#elect(node),
    partition: async (groups) => this.#partition(groups),
    setSequence: async (key, next) => this.#setSequence(key, next),
    wipe: (node) => this.#wipe(node),
  };
  readonly #root: string;
  readonly #freshness: Freshness;
  readonly #launch: Launch;
  readonly #members: readonly FirstMember[];
  /** The way from one node to another, `from > to` by index. */
  readonly #ways: ReadonlyMap<string, FaultProxy>;
  readonly #lives = new Map<number, KitNode>();
  /** Nodes that the kit has not opened, and that run because the others alone are no majority. They never keep leadership. */
  readonly #companions = new Map<number, KitNode>();
  readonly #wiped = new Set<number>();
  /** Companions that are handing leadership over. */
  readonly #yielding = new Map<number, Promise<void>>();
  /** Whether all first members have run once. */
  #formed = false;
  /** How many faults hold each way. */
  readonly #held = new Map<string, number>();

  private constructor(
    root: string,
    freshness: Freshness,
    launch: Launch,
    members: readonly FirstMember[],
    ways: ReadonlyMap<string, FaultProxy>,
  ) {
    this.#root = root;
    this.#freshness = freshness;
    this.#launch = launch;
    this.#members = members;
    this.#ways = ways;
  }

  static async create(freshness: Freshness, size: number, launch: Launch): Promise<RaftUniverse> {
    const root = await mkdtemp(join(tmpdir(), "tsoracle-raft-kit-"));
    const ports = await ownPorts(size);
    const members = ports.map((port, node) => ({
      id: node + 1,
      peerEndpoint: peerEndpoint(`127.0.0.1:${port}`),
      clientEndpoint: peerEndpoint(`127.0.0.1:${50_051 + node}`),
    }));
    const ways = new Map<string, FaultProxy>();
    for (const [to, port] of ports.entries()) {
      for (let from = 0; from < size; from++) {
        if (from !== to) ways.set(`${from}>${to}`, await FaultProxy.open({ host: "127.0.0.1", port }));
      }
    }
    const universe = new RaftUniverse(root, freshness, launch, members, ways);
    for (let node = 0; node < size; node++) universe.#format(node);
    return universe;
  }

  async open(node: number): Promise<KitNode> {
    await this.#lives.get(node)?.[Symbol.asyncDispose]();
    const companion = this.#companions.get(node);
    this.#companions.delete(node);
    const driver = companion ?? (await this.#start(node));
    this.#lives.set(node, driver);
    await this.#fillUp();
    await this.#settle();
    return driver;
  }

  /** Waits until somebody leads, if enough nodes run for that; an opened node that waits for an election answers nothing. */
  async #settle(): Promise<void> {
    const running = this.#lives.size + this.#companions.size;
    if (running <= this.#members.length / 2 || this.#wiped.size > 0) return;
    await Promise.all(this.#yielding.values());
    const deadline = AbortSignal.timeout(10_000);
    const led = async (): Promise<boolean> => {
      const leader = await this.#newestLeader();
      return leader !== undefined && this.#lives.has(leader.node);
    };
    await waitUntil("an open node to lead", async () => deadline.aborted || (await led()), { everyMs: 10 });
  }

  async #start(node: number): Promise<KitNode> {
    const peers = Object.fromEntries(
      this.#members.flatMap(({ id }, to) => {
        const way = this.#ways.get(`${node}>${to}`);
        return way === undefined ? [] : [[String(id), `127.0.0.1:${way.port}`]];
      }),
    );
    const options = { directory: this.#directory(node), peers, freshness: this.#freshness, opTimeoutMs: OP_TIMEOUT_MS };
    return await this.#launch(options);
  }

  /** The kit opens single nodes and expects that they lead; a node of Raft needs a majority, and for the first time all. */
  async #fillUp(): Promise<void> {
    for (const [node, driver] of this.#lives) if (driver.closed) this.#lives.delete(node);
    const wanted = this.#formed ? Math.floor(this.#members.length / 2) + 1 : this.#members.length;
    const missing = this.#members
      .map((_, node) => node)
      .filter((node) => !this.#lives.has(node) && !this.#companions.has(node) && !this.#wiped.has(node))
      .slice(0, Math.max(0, wanted - this.#lives.size - this.#companions.size));
    // Together, since a process takes its time to start.
    const companions = await Promise.all(missing.map(async (node) => [node, await this.#start(node)] as const));
    for (const [node, companion] of companions) {
      this.#companions.set(node, companion);
      // Its stream ends with an error when it is crashed.
      this.#standBack(node, companion).catch(() => {});
    }
    this.#formed = true;
  }

  /** Hands over to a node that the kit has open whenever the companion leads. */
  async #standBack(node: number, companion: KitNode): Promise<void> {
    for await (const { role } of companion.leadershipEvents({ signal: AbortSignal.timeout(120_000) })) {
      if (this.#companions.get(node) !== companion) return;
      if (role !== "leader") continue;
      const yielded = this.#yield(node, companion);
      this.#yielding.set(node, yielded);
      await yielded;
      this.#yielding.delete(node);
    }
  }

  /** Asks again while it leads: a node that was not heard of for a while, such as one that just starts, is no heir yet. */
  async #yield(node: number, companion: KitNode): Promise<void> {
    const isDone = async (): Promise<boolean> => {
      if (this.#companions.get(node) !== companion || (await stateOf(companion))?.role !== "leader") return true;
      const [heir] = this.#lives.keys();
      if (heir !== undefined) await companion.membership.transfer(BigInt(heir + 1)).catch(() => {});
      return false;
    };
    await waitUntil("a companion to lead no more", isDone, { everyMs: 20, timeoutMs: 60_000 }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = [...this.#lives.values(), ...this.#companions.values()];
    await Promise.all(running.map((driver) => driver[Symbol.asyncDispose]()));
    await Promise.all([...this.#ways.values()].map((way) => way.close()));
    await rm(this.#root, { recursive: true, force: true });
  }

  #directory(node: number): string {
    return join(this.#root, `node-${node}`);
  }

  #format(node: number): void {
    formatRaftDirectory({
      directory: this.#directory(node),
      clusterId: "kit",
      nodeId: node + 1,
      firstMembers: this.#members,
      seqKeyCap: SEQ_KEY_CAP,
    });
  }

  async #crash(node: number): Promise<void> {
    const driver = this.#lives.get(node) ?? this.#companions.get(node);
    this.#lives.delete(node);
    this.#companions.delete(node);
    await driver?.terminate();
  }

  /** The write reaches the others, and their answers are held until the node leads no more; then they are too late. */
  async #loseReply(node: number): Promise<void> {
    const release = this.#hold((_from, to) => to === node);
    const driver = this.#life(node);
    void waitUntil(`node ${node} to lead no more`, async () => (await stateOf(driver))?.role !== "leader", {
      everyMs: 20,
    }).finally(release);
  }

  #stall(node: number): Release {
    return this.#hold((from, to) => from === node || to === node);
  }

  #partition(groups: readonly (readonly number[])[]): Release {
    const groupOf = (node: number): number => groups.findIndex((group) => group.includes(node));
    return this.#hold((from, to) => groupOf(from) !== groupOf(to));
  }

  /** Holds what travels on these ways until released; several faults may hold the same one. */
  #hold(which: (from: number, to: number) => boolean): () => void {
    const names = [...this.#ways.keys()].filter((name) => {
      const [from = 0, to = 0] = name.split(">").map(Number);
      return which(from, to);
    });
    for (const name of names) this.#holdWay(name, 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      for (const name of names) this.#holdWay(name, -1);
    };
  }

  #holdWay(name: string, by: 1 | -1): void {
    const count = (this.#held.get(name) ?? 0) + by;
    this.#held.set(name, count);
    const flow: Flow = count > 0 ? "hold" : "pass";
    this.#ways.get(name)?.set({ up: flow, down: flow });
  }

  /** Whether messages of the node reach some other node, so that it can be asked to hand over. */
  #isReached(node: number): boolean {
    return [...this.#ways.keys()].some((name) => name.startsWith(`${node}>`) && !this.#held.get(name));
  }

  /** Whoever leads and can be reached hands over to the node; if that is the node itself, another one in between. */
  async #elect(node: number): Promise<void> {
    const before = epochOf(await stateOf(this.#life(node)));
    await waitUntil(
      `node ${node} to lead anew`,
      async () => {
        const leader = await this.#newestLeader();
        if (leader === undefined) return false;
        if (leader.node === node && leader.epoch !== before) return true;
        const to = leader.node === node ? [...this.#lives.keys()].find((other) => other !== node) : node;
        if (to !== undefined && this.#isReached(leader.node)) {
          await this.#running(leader.node)
            .membership.transfer(BigInt(to + 1))
            .catch(() => {});
        }
        return false;
      },
      { everyMs: 20 },
    );
  }

  async #newestLeader(): Promise<{ readonly node: number; readonly epoch: bigint } | undefined> {
    let newest: { readonly node: number; readonly epoch: bigint } | undefined;
    for (const [node, driver] of [...this.#lives, ...this.#companions]) {
      const epoch = epochOf(await stateOf(driver));
      if (epoch !== undefined && (newest === undefined || epoch > newest.epoch)) newest = { node, epoch };
    }
    return newest;
  }

  /** The counter as it would stand after as many advances, in the snapshot of every node. */
  #setSequence(key: SeqKey, next: bigint): void {
    for (let node = 0; node < this.#members.length; node++) {
      const storage = openStorage(new RealDirectory(this.#directory(node)), { lock: "none" });
      const { data, metadata } = storage.snapshot();
      const machine = Machine.decode(data);
      machine.setSequence(key, next);
      const index = storage.lastIndex();
      if (index !== metadata.index) throw new Error("counters can be set only before the cluster has formed");
      storage.append({ snapshot: { data: machine.encode(), metadata: { ...metadata, index: index + 1 } } });
      storage.close();
    }
  }

  /** The disk of a node is lost, and an operator formats a new one under the old id. */
  async #wipe(node: number): Promise<void> {
    await this.#crash(node);
    this.#wiped.add(node);
    await rm(this.#directory(node), { recursive: true });
    await mkdir(this.#directory(node));
    this.#format(node);
  }

  #running(node: number): KitNode {
    return this.#companions.get(node) ?? this.#life(node);
  }

  #life(node: number): KitNode {
    const driver = this.#lives.get(node);
    if (driver === undefined) throw new TypeError(`open node ${node} first`);
    return driver;
  }
}

/** The epoch in which a node leads by its own account. */
function epochOf(state: LeaderState | undefined): bigint | undefined {
  return state?.role === "leader" ? state.epoch : undefined;
}

async function stateOf(driver: ConsensusDriver): Promise<LeaderState | undefined> {
  const ended = new AbortController();
  for await (const state of driver.leadershipEvents({ signal: ended.signal })) {
    ended.abort();
    return state;
  }
  return undefined;
}
