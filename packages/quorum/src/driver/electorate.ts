// SPDX-License-Identifier: Apache-2.0
import { type DriverCapabilities, type LeaderState, LeadershipCell } from "@tsoracle/consensus";
import { type PeerEndpoint, epoch as toEpoch } from "@tsoracle/core";
import { quorumIndex } from "../quorum-index.ts";
import { begin } from "./begin.ts";
import { BoundMember } from "./bound-member.ts";
import { largest, mayJoin } from "./candidacy.ts";
import { agreedLeader, shouldYield } from "./hint.ts";
import type { Led, Member } from "./member.ts";
import type { QuorumSetup } from "./options.ts";
import { Reign } from "./reign.ts";
import { stand } from "./stand.ts";

/** Milliseconds between candidacies that fail: doubling, from the first to the last. */
const RETRY_MS = Object.freeze({ first: 25, most: 250 });
/** Longest wait before a node hands its minority of members over again, in multiples of the first. */
const YIELD_GROWTH_MAX = 32;

/**
 * What one node makes of its members' elections: the owner of its reign and of what its readers are told.
 *
 * It reacts to the members' streams, and at intervals it looks at the ballots, brings further members into its reign,
 * and makes room when the members cannot agree.
 */
export class Electorate {
  readonly cell: LeadershipCell = new LeadershipCell();
  readonly #setup: QuorumSetup;
  readonly #freshness: DriverCapabilities["realTimeOrder"];
  readonly #stop = new AbortController();
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #joining = new Set<Member>();
  #reign: Reign | undefined;
  #minted = 0n;
  #named: { readonly endpoint: PeerEndpoint | undefined; readonly ballot: bigint } = {
    endpoint: undefined,
    ballot: 0n,
  };
  #begun: ReadonlyMap<string, bigint> | undefined;
  #beginning: "no" | "yes" | "again" = "no";
  #isStanding = false;
  #retryMs: number = RETRY_MS.first;
  #cancelRetry: (() => void) | undefined;
  #cancelTick: (() => void) | undefined;
  #stuckSince: number | undefined;
  #patience = 1;
  #isClosed = false;

  constructor(setup: QuorumSetup, freshness: DriverCapabilities["realTimeOrder"]) {
    this.#setup = setup;
    this.#freshness = freshness;
  }

  /** The reign of this node, while it has one. */
  get reign(): Reign | undefined {
    return this.#reign?.isOver === false ? this.#reign : undefined;
  }

  /** The newest ballot that is known to have reached W members: that of the leader, or of a newer one to come. */
  get reached(): bigint {
    return quorumIndex(
      this.#setup.members.map(({ shown }) => shown),
      this.#setup.policy.w,
    );
  }

  start(): void {
    for (const member of this.#setup.members) this.#run(member.watch(this.#stop.signal, () => this.consider()));
    this.#tick();
  }

  /** Looks at what the members say now, and acts on it. */
  consider(): void {
    if (this.#isClosed) return;
    if (this.#hasLostStreams()) return;
    if (this.reign === undefined) this.#reign = undefined;
    if (this.#reign !== undefined) this.#joinMembers(this.#reign);
    else if (this.#canStand()) this.#run(this.#stand());
    else if (!this.#hasBegun() && this.#led().length > 0) this.#begin();
    this.#publish();
  }

  /** Ends the reign and hands over every member that this node leads. */
  async resign(reason: string): Promise<void> {
    this.#reign?.end();
    const handovers = this.#setup.members.map((member) => member.yield(reason));
    this.consider();
    for (const handover of await Promise.allSettled(handovers)) {
      if (handover.status === "rejected") throw handover.reason;
    }
  }

  /** From here on no answer of this node is worth anything; calls that were begun may end. */
  retire(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#cancelTick?.();
    this.#reign?.retire();
  }

  /** Ends the reign and the readers, and resolves when nothing of this node is under way any more. */
  async close(): Promise<void> {
    this.retire();
    this.#reign?.end();
    this.#stop.abort();
    const closed = await Promise.allSettled(
      this.#setup.members.map(async ({ driver }) => await driver[Symbol.asyncDispose]()),
    );
    await Promise.allSettled(this.#tasks);
    this.cell.close();
    for (const disposal of closed) if (disposal.status === "rejected") throw disposal.reason;
  }

  #canStand(): boolean {
    const isFree = !this.#isStanding && this.#cancelRetry === undefined;
    return isFree && this.#hasBegun() && this.#led().length >= this.#setup.policy.w;
  }

  /** Whether there can be a candidacy: a ballot was seen, or all members were seen to be ready for the first. */
  #hasBegun(): boolean {
    return this.#begun !== undefined || this.#setup.members.some(({ shown }) => shown > 0n);
  }

  #begin(): void {
    if (this.#beginning === "no") this.#run(this.#beginAsLongAsItHelps());
    else this.#beginning = "again";
  }

  async #beginAsLongAsItHelps(): Promise<void> {
    do {
      this.#beginning = "yes";
      const result = await begin(this.#setup, this.#led());
      if (result.kind === "ready") this.#begun = result.lives;
      if (result.kind === "advanced") this.#beginning = "again";
    } while (this.#isBeginningAgain());
    this.#beginning = "no";
    // Otherwise it is looked at again at the next tick, or when a member says something.
    if (this.#hasBegun()) this.consider();
  }

  #isBeginningAgain(): boolean {
    return this.#beginning === "again" && !this.#isClosed && this.reign === undefined && !this.#hasBegun();
  }

  async #stand(): Promise<void> {
    this.#isStanding = true;
    const { members, policy, timers } = this.#setup;
    const newest = largest([this.reached, this.#minted]);
    const result = await stand({ led: this.#led(), newest, begun: this.#begun, policy, timers });
    this.#isStanding = false;
    if (this.#isClosed) return;
    this.#minted = result.ballot ?? this.#minted;
    if (result.kind === "won") {
      const { ballot, highWater } = result;
      const bound = result.bound.map(([member, led, life]) => new BoundMember(member, led, life, ballot));
      const ids = members.map(({ id }) => id);
      this.#reign = new Reign({ ballot, highWater, bound, members: ids, policy, timers, freshness: this.#freshness });
      this.#retryMs = RETRY_MS.first;
    } else {
      const wait = this.#retryMs;
      this.#retryMs = Math.min(wait * 2, RETRY_MS.most);
      this.#cancelRetry = timers.after(wait, () => {
        this.#cancelRetry = undefined;
        this.consider();
      });
    }
    this.consider();
  }

  /** Brings members that this node leads, but not yet for this reign, into it. */
  #joinMembers(reign: Reign): void {
    for (const [member, led] of this.#led()) {
      if (reign.rests(member.id) || this.#joining.has(member)) continue;
      this.#joining.add(member);
      this.#run(this.#join(reign, member, led).finally(() => this.#joining.delete(member)));
    }
  }

  /** A member that does not answer, or knows of a newer ballot, stays outside; the next tick tries again. */
  async #join(reign: Reign, member: Member, led: Led): Promise<void> {
    try {
      await member.name(led.epoch);
      const reading = await member.read();
      if (reading.life === 0n || reign.isOver || !mayJoin(reign.ballot, reading.ballot)) return;
      if (reading.stage === "admitted") await member.raise(reading, reign.ballot, led.epoch);
      else {
        const highWater = await reign.settle();
        if (highWater === undefined) return;
        await member.fill(reading, highWater, reign.ballot, led.epoch);
      }
      reign.join(new BoundMember(member, led, reading.life, reign.ballot));
    } catch {
      return;
    }
  }

  #tick(): void {
    const { members, timers, pollMs } = this.#setup;
    this.#cancelTick = timers.after(pollMs, () => this.#tick());
    this.consider();
    if (this.reign !== undefined) return;
    this.#yieldWhenStuck();
    for (const member of members) {
      this.#run(
        member.look().then((rose) => {
          if (rose && !this.#isClosed) this.#publish();
        }),
      );
    }
  }

  /** Members that elected different nodes must elect again, or nobody would ever lead W of them. */
  #yieldWhenStuck(): void {
    const { members, endpoint, timers, yieldAfterMs } = this.#setup;
    const states = members.map(({ state }) => state);
    const isStuck = this.#led().length > 0 && !this.#isStanding && shouldYield(states, endpoint);
    if (!isStuck) {
      this.#stuckSince = undefined;
      return;
    }
    const now = timers.monotonicMs();
    this.#stuckSince ??= now;
    if (now - this.#stuckSince < yieldAfterMs * this.#patience) return;
    this.#stuckSince = undefined;
    this.#patience = Math.min(this.#patience * 2, YIELD_GROWTH_MAX);
    for (const [member] of this.#led()) this.#run(member.yield("another node leads more of the members"));
  }

  #led(): readonly (readonly [Member, Led])[] {
    return this.#setup.members.flatMap((member) => (member.led === undefined ? [] : [[member, member.led] as const]));
  }

  /** With too few streams left, this node would never lead nor learn who does. */
  #hasLostStreams(): boolean {
    const { members, policy } = this.#setup;
    const ends = members.flatMap(({ end }) => (end === undefined ? [] : [end]));
    if (policy.n - ends.length >= policy.w) return false;
    this.#reign?.end();
    this.cell.close(ends[0]?.error);
    return true;
  }

  #run(task: Promise<unknown>): void {
    // Failures of these have been dealt with: a member that is not heard has no vote.
    const settled = task.catch(() => {}).finally(() => this.#tasks.delete(settled));
    this.#tasks.add(settled);
  }

  #publish(): void {
    const reign = this.reign;
    this.cell.set(
      reign === undefined ? this.#following() : { role: "leader", epoch: reign.epoch, tenure: reign.tenure },
    );
  }

  #following(): LeaderState {
    const { members, policy } = this.#setup;
    const leaderEndpoint = agreedLeader(
      members.map(({ state }) => state),
      policy.w,
    );
    if (leaderEndpoint === undefined) return { role: "unknown" };
    // A ballot belongs to the endpoint that was named when it was first seen: an old one says nothing of a new leader.
    const ballot = this.reached;
    if (ballot > this.#named.ballot) this.#named = { endpoint: leaderEndpoint, ballot };
    const leaderEpoch =
      this.#named.endpoint === leaderEndpoint && ballot > 0n ? toEpoch(this.#named.ballot) : undefined;
    return { role: "follower", leaderEndpoint, leaderEpoch };
  }
}
