// SPDX-License-Identifier: Apache-2.0
import type { LeaseMark } from "@tsoracle/consensus";
import { type Epoch, peerEndpoint, physicalMs, type SeqKey } from "@tsoracle/core";
import { encodeGenesis, genesisSnapshot } from "../../src/node/genesis.ts";
import { epochOfTerm } from "../../src/node/machine/machine.ts";
import type { MembershipRequest } from "../../src/node/membership-request.ts";
import { Replica } from "../../src/node/replica.ts";
import type { Answer, Leadership } from "../../src/node/replica-host.ts";
import { DEFAULT_REPLICA_SETTINGS, type ReplicaSettings } from "../../src/node/replica-settings.ts";
import type { Message, NodeId } from "../../src/raft/types.ts";
import { formatStorage } from "../../src/storage/format.ts";
import { openStorage } from "../../src/storage/open-storage.ts";
import { SimulatedDirectory } from "../../src/storage/simulated-directory.ts";

/** One node of a test cluster, with everything its replica said. */
export interface TestNode {
  readonly id: NodeId;
  readonly directory: SimulatedDirectory;
  replica: Replica;
  readonly said: Leadership[];
  readonly answers: Map<number, Answer>;
  readonly readable: Set<number>;
  readonly renewals: { readonly term: number; readonly mark: LeaseMark }[];
  /** Messages that arrive are lost. */
  deaf: boolean;
}

/** A generator of whole numbers, the same for the same seed. */
function lehmer(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state % bound;
  };
}

const SEGMENT_BYTES = 64 * 1024;

export function storageIdOf(id: NodeId): string {
  return id.toString(16).padStart(32, "0");
}

export function memberOf(id: NodeId) {
  return {
    id,
    peerEndpoint: peerEndpoint(`127.0.0.1:${7000 + id}`),
    clientEndpoint: peerEndpoint(`127.0.0.1:${8000 + id}`),
  };
}

/** Replicas over simulated disks and a network that delivers in order when told to. */
export class ReplicaCluster {
  readonly nodes = new Map<NodeId, TestNode>();
  readonly #settings: Partial<ReplicaSettings>;
  readonly #genesis: Uint8Array;
  readonly #chance = lehmer(7);
  #wire: Message[] = [];
  #requests = 0;
  nowMs = 0;
  /** Messages of these types are lost. */
  readonly lost = new Set<Message["type"]>();

  constructor(size: number, settings: Partial<ReplicaSettings> = {}) {
    this.#settings = settings;
    const ids = Array.from({ length: size }, (_, index) => index + 1);
    this.#genesis = encodeGenesis(ids.map(memberOf));
    for (const id of ids) this.#add(id, this.#genesis);
  }

  /** Formats and starts a node that is no first member. */
  join(id: NodeId): TestNode {
    return this.#add(id, new Uint8Array());
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new TypeError(`no node ${id}`);
    return node;
  }

  /** Ends the process of a node and starts it again from its disk. */
  restart(id: NodeId): void {
    const node = this.node(id);
    node.directory.endProcess();
    this.#wire = this.#wire.filter(({ to }) => to !== id);
    node.replica = this.#start(node);
  }

  remove(id: NodeId): void {
    this.nodes.delete(id);
  }

  /** Delivers until the wire is empty. */
  deliver(): void {
    for (let message = this.#wire.shift(); message !== undefined; message = this.#wire.shift()) {
      const node = this.nodes.get(message.to);
      if (node !== undefined && !node.deaf && !this.lost.has(message.type)) node.replica.receive(message);
    }
  }

  /** Lets ticks pass on every node, and delivers after each. */
  tick(count = 1, ids: readonly NodeId[] = [...this.nodes.keys()]): void {
    for (let done = 0; done < count; done++) {
      this.nowMs += 100;
      for (const id of ids) this.node(id).replica.tick();
      this.deliver();
    }
  }

  /** Ticks until one node reigns; returns it. */
  elect(ids: readonly NodeId[] = [...this.nodes.keys()]): TestNode {
    for (let ticks = 0; ticks < 200; ticks++) {
      this.tick(1, ids);
      const leader = ids.map((id) => this.node(id)).find(({ replica }) => replica.reign !== undefined);
      if (leader !== undefined) return leader;
    }
    throw new Error("nobody was elected within 200 ticks");
  }

  epochOf({ replica }: TestNode): Epoch {
    return epochOfTerm(replica.reign ?? 0);
  }

  advance(node: TestNode, atLeast: number, epoch: Epoch = this.epochOf(node)): number {
    this.#requests += 1;
    node.replica.advance(this.#requests, physicalMs(atLeast), epoch);
    return this.#requests;
  }

  take(node: TestNode, key: string, count: number): number {
    this.#requests += 1;
    const entries = [{ key: key as SeqKey, count }];
    node.replica.propose(this.#requests, { kind: "sequences", epoch: this.epochOf(node), entries });
    return this.#requests;
  }

  read(node: TestNode): number {
    this.#requests += 1;
    node.replica.read(this.#requests);
    return this.#requests;
  }

  change(node: TestNode, request: MembershipRequest): number {
    this.#requests += 1;
    node.replica.change(this.#requests, request);
    return this.#requests;
  }

  #add(id: NodeId, genesis: Uint8Array): TestNode {
    const directory = new SimulatedDirectory({ path: `node-${id}`, chance: () => this.#chance(1_000_000) / 1_000_000 });
    formatStorage(directory, {
      clusterId: "test",
      nodeId: id,
      storageId: storageIdOf(id),
      genesis,
      segmentBytes: SEGMENT_BYTES,
      ...(genesis.length === 0 ? {} : { initialSnapshot: genesisSnapshot(genesis, 100) }),
    });
    const node = {
      id,
      directory,
      said: [],
      answers: new Map(),
      readable: new Set<number>(),
      renewals: [],
      deaf: false,
    };
    const started: TestNode = Object.assign(node, { replica: this.#start(node) });
    this.nodes.set(id, started);
    return started;
  }

  #start(node: Omit<TestNode, "replica">): Replica {
    const storage = openStorage(node.directory, { lock: "none", segmentBytes: SEGMENT_BYTES });
    const settings = { ...DEFAULT_REPLICA_SETTINGS, randomInt: this.#chance, ...this.#settings };
    return new Replica(storage, settings, storageIdOf, {
      send: (message) => this.#wire.push(message),
      leadership: (state) => node.said.push(state),
      mark: () => ({ monotonicNs: BigInt(this.nowMs) * 1_000_000n, bootMs: this.nowMs, wallMs: this.nowMs }),
      renewed: (term, mark) => node.renewals.push({ term, mark }),
      answered: (id, answer) => node.answers.set(id, answer),
      readable: (id) => node.readable.add(id),
      membersChanged: () => {},
      log: () => {},
    });
  }
}
