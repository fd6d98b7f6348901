// SPDX-License-Identifier: Apache-2.0
import type { Message } from "@tsoracle/driver-raft/raft";
import type { Hello, Refusal } from "@tsoracle/driver-raft/simulation";
import { lostDiskIsNobody } from "../invariants/lost-disk.ts";
import type { Random } from "../random.ts";
import type { Link, Network, SimProcess, World } from "./cluster.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
const HELLO_TIMEOUT_MS = 2_000;
/** Keepalive of a connection that carries nothing any more. */
const DEAD_AFTER_MS = 3_000;

/** A way that is not open yet. */
export function newLink(owner: SimProcess, peer: number): Link {
  return {
    owner,
    peer,
    state: "paused",
    target: undefined,
    pauseMs: FIRST_PAUSE_MS,
    attempt: 0,
    lastArrivalMs: 0,
    challenge: "",
    mustGreetAgain: false,
  };
}

/** What lies between the processes: it delays, loses, doubles and overtakes, and judges nobody. */
export class SimNetwork implements Network {
  readonly #world: World;
  readonly #random: Random;
  /** How many cuts lie on the way from one to another. */
  readonly #cuts = new Map<string, number>();

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  cut(from: number, to: number): void {
    const key = `${from}>${to}`;
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
    this.#world.at(DEAD_AFTER_MS, () => {
      if (this.blocked(from, to)) this.#world.breakStreams(from, to);
    });
  }

  mend(from: number, to: number): void {
    const key = `${from}>${to}`;
    const count = (this.#cuts.get(key) ?? 0) - 1;
    if (count > 0) this.#cuts.set(key, count);
    else this.#cuts.delete(key);
  }

  mendAll(): void {
    this.#cuts.clear();
  }

  blocked(from: number, to: number): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`);
  }

  /** Says Hello to whoever answers at the peer's address. */
  connect(link: Link): void {
    const { owner, peer } = link;
    if (link.state === "closed" || !owner.alive) return;
    link.state = "greeting";
    link.mustGreetAgain = false;
    link.attempt += 1;
    const { attempt } = link;
    const current = (): boolean => owner.alive && link.state === "greeting" && link.attempt === attempt;
    this.#world.at(HELLO_TIMEOUT_MS, () => {
      if (current()) owner.enqueue(() => current() && this.broken(link));
    });
    const target = this.#world.listener(peer);
    if (this.blocked(owner.id, peer)) return;
    if (target === undefined) {
      this.#world.at(this.#short(), () => owner.enqueue(() => current() && this.broken(link)));
      return;
    }
    const hello = owner.hello(peer, link.challenge);
    this.#world.at(this.#short(), () => target.enqueue(() => this.#greeted(link, target, hello, current)));
  }

  /** The peer judges the Hello, and answers with its own or with a refusal. */
  #greeted(link: Link, target: SimProcess, hello: Hello, current: () => boolean): void {
    const refusal = target.judge(hello, target.inbound.has(hello.nodeId));
    let answer: Hello | undefined;
    if (refusal !== undefined) {
      if (refusal.reason === "busy" || refusal.reason === "cloned") this.#dropInbound(target, hello.nodeId);
    } else {
      this.#dropInbound(target, hello.nodeId);
      target.inbound.set(hello.nodeId, link);
      target.met(hello);
      answer = target.answer(hello);
    }
    if (this.blocked(target.id, link.owner.id)) return;
    this.#world.at(this.#short(), () =>
      link.owner.enqueue(() => {
        if (current()) this.#answered(link, target, answer, refusal);
      }),
    );
  }

  #answered(link: Link, target: SimProcess, answer: Hello | undefined, refusal: Refusal | undefined): void {
    const { owner } = link;
    if (refusal !== undefined) {
      link.challenge = refusal.challenge ?? link.challenge;
      owner.refused(link.peer, { ...refusal, storageId: target.storageId });
      if (owner.alive) this.broken(link);
      return;
    }
    // The end of the stream comes right behind the answer if the peer has ended it meanwhile.
    const stands = target.alive && target.inbound.get(owner.id) === link;
    if (!stands || answer === undefined || answer.nodeId !== link.peer) {
      this.broken(link);
      return;
    }
    if (owner.judge(answer, owner.inbound.has(answer.nodeId)) !== undefined) {
      this.broken(link);
      return;
    }
    lostDiskIsNobody(owner, target);
    lostDiskIsNobody(target, owner);
    owner.met(answer);
    link.pauseMs = FIRST_PAUSE_MS;
    link.state = "open";
    link.target = target;
    if (link.mustGreetAgain) this.broken(link);
  }

  /** Ends the streams to and from disks that turned out not to be their peers', by what the process knows now. */
  recheck(process: SimProcess): void {
    for (const [peer, { owner }] of process.inbound) {
      if (!process.stands(peer, owner.storageId)) this.#dropInbound(process, peer);
    }
    for (const link of process.links()) {
      const { target, state } = link;
      if (state === "open" && target !== undefined && !process.stands(link.peer, target.storageId)) this.broken(link);
    }
  }

  /** Ends the standing stream of a peer; its owner finds out and comes back. */
  #dropInbound(target: SimProcess, peer: number): void {
    const link = target.inbound.get(peer);
    target.inbound.delete(peer);
    if (link === undefined) return;
    const { attempt } = link;
    this.#world.at(this.#short(), () =>
      link.owner.enqueue(() => {
        if (link.attempt === attempt && link.state !== "closed" && link.state !== "paused") this.broken(link);
      }),
    );
  }

  /** The stream is over at its owner's end, which tries again after a while. */
  broken(link: Link): void {
    if (link.state === "closed" || !link.owner.alive) return;
    const { target, owner } = link;
    link.state = "paused";
    link.target = undefined;
    if (target !== undefined && target.inbound.get(owner.id) === link) {
      this.#world.at(this.#short(), () => target.inbound.get(owner.id) === link && target.inbound.delete(owner.id));
    }
    const pauseMs = link.pauseMs / owner.node.clock.rate;
    link.pauseMs = Math.min(2 * link.pauseMs, LONGEST_PAUSE_MS);
    this.#world.at(pauseMs, () => owner.enqueue(() => link.state === "paused" && this.connect(link)));
    owner.unreachable(link.peer);
  }

  send(link: Link, message: Message, fromMs: number): void {
    const { counts, noise } = this.#world;
    const { target, owner } = link;
    if (target === undefined) return;
    lostDiskIsNobody(target, owner);
    if (this.blocked(owner.id, link.peer)) {
      counts.messages_cut_by_partition += 1;
      return;
    }
    if (this.#random.chance(noise.drop)) {
      counts.messages_dropped += 1;
      return;
    }
    const copies = this.#random.chance(noise.duplicate) ? 2 : 1;
    if (copies === 2) counts.messages_duplicated += 1;
    for (let copy = 0; copy < copies; copy++) this.#deliver(link, target, message, fromMs);
  }

  #deliver(link: Link, target: SimProcess, message: Message, fromMs: number): void {
    const { counts, noise } = this.#world;
    let delayMs = this.#short();
    if (this.#random.chance(noise.delay)) {
      delayMs += this.#random.between(0, noise.longestDelayMs);
      counts.messages_delayed += 1;
    }
    const arrivalMs = fromMs + delayMs;
    if (arrivalMs < link.lastArrivalMs) counts.messages_reordered += 1;
    else link.lastArrivalMs = arrivalMs;
    this.#world.at(arrivalMs - this.#world.nowMs, () => {
      if (target.inbound.get(link.owner.id) !== link) return;
      target.enqueue(() => {
        if (target.inbound.get(link.owner.id) !== link) return;
        if (!target.stands(link.owner.id, link.owner.storageId)) {
          this.#dropInbound(target, link.owner.id);
          return;
        }
        lostDiskIsNobody(link.owner, target);
        target.receive(message);
      });
    });
  }

  #short(): number {
    return 0.2 + this.#random.next() * 4;
  }
}
