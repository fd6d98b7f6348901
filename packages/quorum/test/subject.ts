// SPDX-License-Identifier: Apache-2.0
import type { Faults, Release, Subject, Universe } from "@tsoracle/conformance";
import type { ConsensusDriver } from "@tsoracle/consensus";
import { type FaultyDriver, faulty, MEMORY_CAPABILITIES, MemoryStore } from "@tsoracle/consensus/memory";
import { type Epoch, peerEndpoint } from "@tsoracle/core";
import { quorumCapabilities, quorumDriver } from "../src/driver.ts";
import { QuorumPolicy } from "../src/index.ts";

const MEMBERS = ["a", "b", "c"] as const;
/** How long a member's call waits in a stall, and how long a round waits for its members. */
const STALL_TIMEOUT_MS = 50;
const ROUND_MS = 500;

/** Three nodes, each with one driver over the same three memory stores. */
export function quorumSubject(): Subject {
  return {
    name: "quorum",
    capabilities: quorumCapabilities(MEMBERS.map(() => MEMORY_CAPABILITIES)),
    nodes: 3,
    stores: MEMBERS.length,
    faults: ["crash", "loseReply", "stall", "elect", "partition", "wipe"],
    resigns: true,
    callTimeoutMs: 2_000,
    waivers: { setSequence: "the driver has no sequences" },
    provision: async () => new QuorumUniverse(),
  };
}

interface OpenNode {
  readonly driver: ConsensusDriver;
  readonly members: readonly FaultyDriver[];
}

class QuorumUniverse implements Universe {
  readonly faults: Omit<Faults, "setSequence"> = {
    crash: async (node) => this.#crash(node),
    loseReply: async (node) => this.#node(node).members.forEach(({ faults }) => void faults.loseReply()),
    stall: async (node) => this.#stall([node], "writes"),
    elect: (node) => this.#elect(node),
    partition: async (groups) => this.#partition(groups),
    wipe: async (store) => this.#wipe(store),
  };
  readonly #stores = MEMBERS.map(() => new MemoryStore({ autoElect: true }));
  readonly #nodes = new Map<number, OpenNode>();
  readonly #dead: OpenNode[] = [];

  async open(node: number): Promise<ConsensusDriver> {
    const endpoint = peerEndpoint(`node-${node}.example:5055`);
    const members = this.#stores.map((store) =>
      faulty(store.open(node, { endpoint }), { callTimeoutMs: STALL_TIMEOUT_MS }),
    );
    const driver = quorumDriver({
      drivers: members.map((member, index) => ({ id: MEMBERS[index] ?? "", driver: member })),
      policy: new QuorumPolicy({ n: 3, w: 2, ackTimeoutMs: ROUND_MS }),
      endpoint,
      pollMs: 10,
    });
    this.#nodes.set(node, { driver, members });
    return driver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { driver } of [...this.#nodes.values(), ...this.#dead]) await driver[Symbol.asyncDispose]();
  }

  /** The stores forget the node at once. What is left of its process runs on unheard until the universe ends. */
  #crash(node: number): void {
    for (const store of this.#stores) store.crash(node);
    this.#dead.push(this.#node(node));
    this.#nodes.delete(node);
  }

  #stall(nodes: readonly number[], which: "all" | "writes"): Release {
    const releases = nodes.flatMap((node) => this.#node(node).members.map(({ faults }) => faults.stall(which)));
    return () => {
      for (const release of releases) release();
    };
  }

  /** Whoever is open has no answer from the store any more; whoever opens finds an empty one in its place. */
  #wipe(index: number): void {
    for (const { members } of this.#nodes.values()) members[index]?.faults.stall("all");
    this.#stores[index] = new MemoryStore({ autoElect: true });
  }

  /** The stores stay with the first group, and elect one of it where they have lost their leader. */
  #partition([withStores = [], ...others]: readonly (readonly number[])[]): Release {
    const cutOff = others.flat();
    const heal = this.#stall(cutOff, "all");
    const [successor] = withStores;
    for (const store of this.#stores) {
      if (successor !== undefined && store.leader !== undefined && cutOff.includes(store.leader))
        store.elect(successor);
    }
    return heal;
  }

  /** Makes every store elect the node, and waits for its reign over the whole that follows. */
  async #elect(node: number): Promise<void> {
    const { driver } = this.#node(node);
    const before = await newestEpoch(driver);
    for (const store of this.#stores) store.elect(node);
    const stop = new AbortController();
    for await (const item of driver.leadershipEvents({ signal: stop.signal })) {
      if (item.role === "leader" && item.epoch > before) stop.abort();
    }
  }

  #node(node: number): OpenNode {
    const open = this.#nodes.get(node);
    if (open === undefined) throw new TypeError(`node ${node} is not open`);
    return open;
  }
}

/** The epoch that a node's own stream names now. */
async function newestEpoch(driver: ConsensusDriver): Promise<Epoch | -1n> {
  for await (const item of driver.leadershipEvents({ signal: new AbortController().signal })) {
    return item.role === "leader" ? item.epoch : -1n;
  }
  return -1n;
}
