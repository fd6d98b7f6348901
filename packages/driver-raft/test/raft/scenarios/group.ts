// SPDX-License-Identifier: Apache-2.0
import type { Message, NodeId } from "../../../src/raft/index.ts";
import { Peer, type PeerOptions } from "./peer.ts";

/** Several peers and a network that delivers in order, except where it is cut. */
export class Group {
  readonly peers = new Map<NodeId, Peer>();
  /** Messages that were delivered, in order. */
  readonly delivered: Message[] = [];
  #cut: (m: Message) => boolean = () => false;

  constructor(options: readonly PeerOptions[]) {
    for (const one of options) this.add(one);
  }

  static of(size: number, common: Omit<PeerOptions, "id"> = {}): Group {
    const voters = Array.from({ length: size }, (_, i) => i + 1);
    return new Group(voters.map((id) => ({ voters, ...common, id })));
  }

  add(options: PeerOptions): Peer {
    const peer = new Peer(options);
    this.peers.set(peer.id, peer);
    return peer;
  }

  peer(id: NodeId): Peer {
    const peer = this.peers.get(id);
    if (peer === undefined) throw new Error(`no peer ${id}`);
    return peer;
  }

  /** Loses all messages that fulfil the condition, until the next call. */
  lose(condition: (m: Message) => boolean): void {
    this.#cut = condition;
  }

  /** Cuts these nodes off from all others. */
  isolate(...ids: NodeId[]): void {
    this.lose((m) => ids.includes(m.from) !== ids.includes(m.to));
  }

  heal(): void {
    this.lose(() => false);
  }

  /** Lets all peers work and talk until nothing is left to do. */
  settle(): void {
    for (let round = 0; round < 1000; round++) {
      const sent = [...this.peers.values()].flatMap((peer) => peer.work());
      if (sent.length === 0) return;
      for (const m of sent) {
        if (this.#cut(m)) continue;
        this.delivered.push(m);
        this.peers.get(m.to)?.raw.step(m);
      }
    }
    throw new Error("the group does not settle");
  }

  /** Lets a node stand for election. */
  campaign(id: NodeId): void {
    this.peer(id).raw.campaign();
    this.settle();
  }

  propose(id: NodeId, text: string): string | undefined {
    const error = this.peer(id).raw.propose(new TextEncoder().encode(text));
    this.settle();
    return error?.code;
  }

  tick(id: NodeId, times = 1): void {
    for (let i = 0; i < times; i++) {
      this.peer(id).raw.tick();
      this.settle();
    }
  }

  tickAll(times = 1): void {
    for (let i = 0; i < times; i++) {
      for (const peer of this.peers.values()) peer.raw.tick();
      this.settle();
    }
  }

  leaders(): NodeId[] {
    return [...this.peers.values()].filter((peer) => peer.role === "StateLeader").map((peer) => peer.id);
  }
}
