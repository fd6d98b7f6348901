// SPDX-License-Identifier: Apache-2.0
import type { Hello, Machine, PeerAddresses } from "@tsoracle/driver-raft/simulation";
import { addressesOf } from "./addresses.ts";
import type { Link, SimProcess, World } from "./cluster.ts";
import { newLink } from "./network.ts";

/** The ways of one process to its peers, as the transport keeps them. */
export class ProcessLinks {
  readonly #world: World;
  readonly #owner: SimProcess;
  readonly #links = new Map<number, Link>();
  readonly #addresses: PeerAddresses;
  /** It is in its own list of members. */
  #named: boolean | undefined;

  constructor(world: World, owner: SimProcess) {
    this.#world = world;
    this.#owner = owner;
    const told = owner.node.peers.map((id) => [id, addressesOf(id).peerEndpoint] as const);
    this.#addresses = new world.subject.PeerAddresses(owner.node.id, new Map(told));
  }

  /** A peer has said where it is reached; returns whether that was news. */
  hear(hello: Hello, machine: Machine): boolean {
    const isNews = this.#addresses.hear(hello, machine);
    if (isNews) this.setPeers(machine);
    return isNews;
  }

  get(peer: number): Link | undefined {
    return this.#links.get(peer);
  }

  all(): Iterable<Link> {
    return this.#links.values();
  }

  /**
   * Whom to call. The way to one that is missing is closed; streams to and from disks that are not the peer's are ended. A
   * process that has just learned its own address says Hello again.
   */
  setPeers(machine: Machine): void {
    const peers = this.#addresses.all(machine);
    for (const [id, link] of this.#links) {
      if (peers.has(id)) continue;
      link.state = "closed";
      this.#links.delete(id);
    }
    for (const id of peers.keys()) if (!this.#links.has(id)) this.#open(id);
    this.#world.network.recheck(this.#owner);
    const named = machine.member(this.#owner.id) !== undefined;
    if (this.#named === false && named) {
      this.greetAgain();
    }
    this.#named = named;
  }

  /** Says Hello again wherever a stream stands. */
  greetAgain(): void {
    for (const link of this.#links.values()) {
      if (link.state === "open") this.#world.network.broken(link);
      else link.mustGreetAgain = link.state === "greeting";
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.state = "closed";
  }

  #open(id: number): void {
    const owner = this.#owner;
    const link = newLink(owner, id);
    this.#links.set(id, link);
    this.#world.at(owner.cursorMs - this.#world.nowMs, () =>
      owner.enqueue(() => link.state === "paused" && this.#world.network.connect(link)),
    );
  }
}
