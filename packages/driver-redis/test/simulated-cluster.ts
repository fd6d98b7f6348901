// SPDX-License-Identifier: Apache-2.0
import type { Random } from "@tsoracle/conformance";
import { majority, quorumIndex } from "@tsoracle/quorum";
import { type Ballot, mintBallot } from "../src/ballot.ts";
import { Election, type ElectionState } from "../src/election.ts";
import { VoteCount } from "../src/vote-count.ts";
import { ModelNode } from "./model-node.ts";

/** What is left out on purpose, to see that the simulation would notice. */
export interface Variant {
  /** Whether an election needs the second round. */
  readonly statusRound: boolean;
  /** What a persist returns of its acknowledgements. */
  readonly returns: "majority" | "maximum";
  /** How an empty node gets its vote back. */
  readonly admission: "new ballot" | "current ballot" | "automatic";
  /** Whether a node that restarted, perhaps with an old copy of its disk, is admitted like an empty one. */
  readonly restarts: "admitted" | "trusted";
}

export const CORRECT: Variant = {
  statusRound: true,
  returns: "majority",
  admission: "new ballot",
  restarts: "admitted",
};

interface Message {
  readonly server: Server;
  readonly node: number;
  /** Carries the message out; a request becomes its reply. */
  readonly deliver: () => Message | undefined;
}

/** What one epoch may have handed out: above its floor, up to what it was told is durable. */
interface Granted {
  readonly epoch: Ballot;
  readonly floor: number;
  served: number;
}

/**
 * Servers and nodes with messages that are delivered late, in any order, or never; nodes are wiped and admitted again.
 * Elections, counting and ballots are the real code. There is no time: everybody may stand whenever it likes.
 */
export class SimulatedCluster {
  readonly nodes: readonly ModelNode[];
  readonly names: readonly string[];
  readonly servers: readonly Server[];
  readonly variant: Variant;
  readonly granted: Granted[] = [];
  readonly #empty = new Set<number>();
  #messages: Message[] = [];

  constructor(n: number, servers: number, variant: Variant) {
    this.variant = variant;
    this.nodes = Array.from({ length: n }, () => new ModelNode());
    this.names = this.nodes.map((_, index) => `n${index}`);
    this.servers = Array.from({ length: servers }, (_, index) => new Server(this, BigInt(index + 1)));
  }

  get pending(): number {
    return this.#messages.length;
  }

  send(server: Server, node: number, deliver: Message["deliver"]): void {
    this.#messages.push({ server, node, deliver });
  }

  /** Delivers what is under way between a server and a node: a request, and then its reply. */
  exchange(server: Server, node: number): void {
    for (const _ of [0, 1]) {
      const index = this.#messages.findIndex((message) => message.server === server && message.node === node);
      if (index >= 0) this.#deliver(index);
    }
  }

  deliverAny(random: Random): void {
    if (this.#messages.length > 0) this.#deliver(random.below(this.#messages.length));
  }

  loseAny(random: Random): void {
    if (this.#messages.length > 0) this.#messages.splice(random.below(this.#messages.length), 1);
  }

  /** Restarts a node with an old copy of its disk, if a majority is left intact. */
  rollBack(node: number): void {
    if (!this.#mayLose(node)) return;
    const isTrusted = this.variant.restarts === "trusted";
    this.nodes[node]?.restart(isTrusted);
    if (!isTrusted) this.#empty.add(node);
  }

  /** More loss than that is nobody's to survive. */
  #mayLose(node: number): boolean {
    return this.#empty.has(node) || this.nodes.length - this.#empty.size > majority(this.nodes.length);
  }

  /** Empties a node, if a majority is left intact. */
  wipe(node: number): void {
    if (!this.#mayLose(node)) return;
    this.nodes[node]?.wipe();
    this.#empty.add(node);
    if (this.variant.admission !== "automatic") return;
    this.nodes[node]?.claim("automatic");
    this.admitOn(node, "automatic", "0".repeat(32), "", 0);
  }

  anyEmpty(): number | undefined {
    const [first] = this.#empty;
    return first;
  }

  /** The node itself knows from when on it is not empty any more, not whoever is told later. */
  admitOn(node: number, claim: string, epoch: Ballot, holder: string, highWater: number): void {
    if (this.nodes[node]?.admit(claim, epoch, holder, highWater) === true) this.#empty.delete(node);
  }

  /** The two epochs whose grants overlap or are out of order, if there are any. */
  violation(): string | undefined {
    const serving = this.granted.filter(({ floor, served }) => served > floor);
    const inOrder = serving.sort((a, b) => (a.epoch < b.epoch ? -1 : 1));
    for (const [index, later] of inOrder.entries()) {
      const earlier = inOrder.slice(0, index).find(({ served }) => served > later.floor);
      if (earlier === undefined) continue;
      return `${earlier.epoch} served up to ${earlier.served}, ${later.epoch} from ${later.floor + 1} to ${later.served}`;
    }
    return undefined;
  }

  #deliver(index: number): void {
    const [message] = this.#messages.splice(index, 1);
    const reply = message?.deliver();
    if (reply !== undefined) this.#messages.push(reply);
  }
}

/** One server: stands, persists, and admits empty nodes, by the real rules. */
export class Server {
  readonly #cluster: SimulatedCluster;
  readonly #nonce: bigint;
  readonly #holder: string;
  #seen: Ballot[] = [];
  #reign: Granted | undefined;
  #claims = 0;

  constructor(cluster: SimulatedCluster, nonce: bigint) {
    this.#cluster = cluster;
    this.#nonce = nonce;
    this.#holder = `holder-${nonce}`;
  }

  get leads(): boolean {
    return this.#reign !== undefined;
  }

  /** Mints from what it has seen itself, and asks every node once. */
  campaign(onElected: (epoch: Ballot, highWater: number) => void = () => {}): void {
    const { names, nodes, variant } = this.#cluster;
    const epoch = mintBallot(this.#seen, this.#nonce);
    this.#seen.push(epoch);
    const election = new Election(epoch, names);
    let isDecided = false;
    const elected = (highWater: number): void => {
      isDecided = true;
      this.#reign = { epoch, floor: highWater, served: highWater };
      this.#cluster.granted.push(this.#reign);
      onElected(epoch, highWater);
    };
    let prepared = 0;
    for (const index of nodes.keys()) {
      this.#ask(
        index,
        (node) => node.prepare(epoch, this.#holder),
        (outcome) => {
          this.#note(outcome);
          const { phase: before } = election.state;
          const wasPreparing = before === "preparing";
          if (outcome.kind === "ok" && wasPreparing) prepared = Math.max(prepared, outcome.highWater);
          election.onPrepare(names[index] ?? "", outcome, 0n);
          const state: ElectionState = election.state;
          if (!wasPreparing || state.phase !== "verifying") return;
          if (!variant.statusRound) return elected(prepared);
          for (const name of state.members) this.#verify(election, names.indexOf(name), elected, () => isDecided);
        },
      );
    }
  }

  persist(value: number): void {
    const reign = this.#reign;
    if (reign === undefined) return;
    const { names, nodes, variant } = this.#cluster;
    const count = new VoteCount(names);
    const acks: number[] = [];
    for (const index of nodes.keys()) {
      this.#ask(
        index,
        (node) => node.persist(reign.epoch, this.#holder, value),
        (outcome) => {
          this.#note(outcome);
          if (outcome.kind === "ok") acks.push(outcome.highWater);
          const wasMet = count.isMet;
          count.record(names[index] ?? "", outcome);
          if (count.isMet && !wasMet) {
            const held = variant.returns === "majority" ? quorumIndex(acks, count.majority) : Math.max(...acks);
            reign.served = Math.max(reign.served, held);
          } else if (count.verdict("a persist")?.kind === "fenced" && this.#reign === reign) this.#reign = undefined;
        },
      );
    }
  }

  /** Claims an empty node, then is elected anew, then admits it. */
  admit(index: number): void {
    const { variant } = this.#cluster;
    this.#claims += 1;
    const claim = `${this.#nonce}-${this.#claims}`;
    const reign = this.#reign;
    if (reign === undefined) return;
    this.#ask(
      index,
      (node) => node.claim(claim),
      (isClaimed) => {
        if (!isClaimed) return;
        const write = (epoch: Ballot, highWater: number): void =>
          this.#ask(
            index,
            () => this.#cluster.admitOn(index, claim, epoch, this.#holder, highWater),
            () => {},
          );
        if (variant.admission === "new ballot") this.campaign(write);
        else write(reign.epoch, reign.served);
      },
    );
  }

  #verify(election: Election, index: number, elected: (highWater: number) => void, isDecided: () => boolean): void {
    this.#ask(
      index,
      (node) => node.status(),
      (outcome) => {
        this.#note(outcome);
        election.onStatus(this.#cluster.names[index] ?? "", outcome);
        if (election.state.phase === "elected" && !isDecided()) elected(election.state.mandate.highWater);
      },
    );
  }

  #note(outcome: object): void {
    if ("promised" in outcome && typeof outcome.promised === "string") this.#seen.push(outcome.promised);
  }

  #ask<T>(index: number, request: (node: ModelNode) => T, onReply: (answer: T) => void): void {
    this.#cluster.send(this, index, () => {
      const answer = request(this.#cluster.nodes[index] as ModelNode);
      const deliver = (): undefined => {
        onReply(answer);
        return undefined;
      };
      return { server: this, node: index, deliver };
    });
  }
}
