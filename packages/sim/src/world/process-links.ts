// SPDX-License-Identifier: Apache-2.0
import type { Link, SimProcess, World } from "./cluster.ts";
import { newLink } from "./network.ts";

/** The ways of one process to its peers, as the transport keeps them. */
export class ProcessLinks {
  readonly #world: World;
  readonly #owner: SimProcess;
  readonly #links = new Map<number, Link>();

  constructor(world: World, owner: SimProcess) {
    this.#world = world;
    this.#owner = owner;
  }

  get(peer: number): Link | undefined {
    return this.#links.get(peer);
  }

  all(): Iterable<Link> {
    return this.#links.values();
  }

  /** Whom to call. The way to one that is missing is closed; streams to and from disks that are not the peer's are ended. */
  setPeers(peers: ReadonlySet<number>): void {
    for (const [id, link] of this.#links) {
      if (peers.has(id)) continue;
      link.state = "closed";
      this.#links.delete(id);
    }
    for (const id of peers) if (!this.#links.has(id)) this.#open(id);
    this.#world.network.recheck(this.#owner);
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
