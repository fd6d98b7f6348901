// SPDX-License-Identifier: Apache-2.0
import {
  ConsensusError,
  type LeadershipCell,
  type LeaseClock,
  type LeaseMark,
  type TenureTerms,
  WaitOut,
} from "@tsoracle/consensus";
import type { Timers } from "@tsoracle/quorum";
import { type Ballot, latestCountable, mintBallot, NO_BALLOT, toEpoch } from "./ballot.ts";
import type { Freshness } from "./capabilities.ts";
import type { Chance } from "./chance.ts";
import type { Mandate } from "./election.ts";
import { type Readmission, readEndpoint } from "./options.ts";
import { PairWatch } from "./pair-watch.ts";
import type { Claim } from "./readmission.ts";
import { Readmitter } from "./readmitter.ts";
import type { RedisNode } from "./redis-node.ts";
import type { Register } from "./register.ts";
import { Reign } from "./reign.ts";
import { runElection } from "./run-election.ts";
import { type OwnReign, waitAfter } from "./succession.ts";
import { Waker } from "./waker.ts";

export interface MemberParts {
  readonly register: Register;
  readonly cell: LeadershipCell;
  readonly clock: LeaseClock;
  readonly terms: TenureTerms;
  readonly freshness: Freshness;
  readonly durableBeats: boolean;
  readonly readmission: Readmission;
  readonly opTimeoutMs: number;
  readonly nonce: bigint;
  readonly timers: Timers;
  readonly chance: Chance;
}

const STANDS_MAX = 5;

/**
 * One server's part in the oracle: follows, stands for election when nobody reigns, waits out the reign before,
 * leads, and renews (`postgres-redis.md` 4.5). The only owner of who leads, as far as this process is concerned.
 */
export class Member {
  readonly #parts: MemberParts;
  readonly #watch = new PairWatch();
  readonly #waker: Waker;
  readonly #readmitter: Readmitter;
  readonly #polling = new Set<RedisNode>();
  /** Writes under way under the present reign, which a clean release waits for. */
  readonly #writes = new Set<Promise<unknown>>();
  #reign: Reign | undefined;
  #own: OwnReign | undefined;
  #largest: Ballot = NO_BALLOT;
  #highestShown: Ballot = NO_BALLOT;
  #abstainUntilNs = 0n;
  /** Candidacies still to be tried whatever others do. */
  #candidacies = 0;
  #isStopped = false;
  #loop: Promise<void> | undefined;

  constructor(parts: MemberParts) {
    this.#parts = parts;
    this.#waker = new Waker(parts.timers);
    this.#readmitter = new Readmitter(parts.register, parts.terms, parts.readmission);
  }

  /** The reign that this process has at present, leading or still waiting. */
  get reign(): Reign | undefined {
    return this.#reign;
  }

  /** The newest epoch that this process has seen anywhere. */
  get newest(): Ballot {
    return this.#largest;
  }

  start(): void {
    this.#loop = this.#run().catch((error: unknown) => {
      // A defect. Whoever follows the stream stops serving and learns why.
      if (this.#reign !== undefined) this.#end(this.#reign);
      this.#parts.cell.close(ConsensusError.from(error));
    });
  }

  /** Lets a clean release wait for a write. */
  track<T>(write: Promise<T>): Promise<T> {
    this.#writes.add(write);
    const settled = (): void => void this.#writes.delete(write);
    write.then(settled, settled);
    return write;
  }

  /** The store has promised a newer epoch: this reign is over. */
  fenced(reign: Reign, promised: Ballot): void {
    this.#largest = latestCountable(this.#largest, promised);
    this.#end(reign);
  }

  /** Stands for election at the next moment, whoever reigns, a few times. Who holds the nodes may still refuse. */
  stand(): void {
    this.#candidacies = STANDS_MAX;
    this.#waker.wake();
  }

  /** Ends the present reign, if there is one, and says so in the store; then leaves the next election to others. */
  async resign(): Promise<void> {
    const reign = this.#reign;
    if (reign === undefined) return;
    const { clock, terms } = this.#parts;
    this.#abstainUntilNs = clock.monotonicNs() + BigInt(terms.tenureMs) * 500_000n;
    await this.#release(reign, this.#end(reign));
  }

  /** Stops for good. Resolves when the store has been told, as far as it answers. */
  async stop(): Promise<void> {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#waker.wake();
      await this.resign();
    }
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#follow();
      if (this.#isStopped) return;
      let reign = await this.#campaign();
      if (reign === undefined) await this.#waker.sleep(50 + this.#parts.chance() * 200);
      while (reign !== undefined) {
        const claims = await this.#hold(reign);
        reign = claims.length === 0 ? undefined : await this.#succeedItself(claims);
      }
    }
  }

  /**
   * Follows its own reign under a new epoch, to admit nodes under it. Without its own reign nothing is waited for, and
   * if somebody else is quicker, that one admits.
   */
  async #succeedItself(claims: readonly Claim[]): Promise<Reign | undefined> {
    const reign = await this.#campaign();
    if (reign === undefined) this.#candidacies = STANDS_MAX;
    else void this.#readmitter.admit(claims, reign);
    return reign;
  }

  /** Watches until it is time to stand: at once if asked to, else a random moment after a majority is free. */
  async #follow(): Promise<void> {
    const { clock, terms } = this.#parts;
    let nextPollNs = 0n;
    let campaignNs: bigint | undefined;
    while (!this.#isStopped && this.#candidacies === 0) {
      const nowNs = clock.monotonicNs();
      if (nowNs >= nextPollNs) {
        this.#poll();
        nextPollNs = nowNs + nanoseconds(this.#pollMs());
      }
      this.#show(nowNs);
      if (!this.#mayCampaign(nowNs)) campaignNs = undefined;
      else campaignNs ??= nowNs + nanoseconds((this.#parts.chance() * terms.tenureMs) / 10);
      if (campaignNs !== undefined && nowNs >= campaignNs) return;
      const nextNs = campaignNs !== undefined && campaignNs < nextPollNs ? campaignNs : nextPollNs;
      await this.#waker.sleep(Number(nextNs - clock.monotonicNs()) / 1e6);
    }
  }

  #pollMs(): number {
    return (this.#parts.terms.tenureMs / 30) * (1 + 2 * this.#parts.chance());
  }

  #mayCampaign(nowNs: bigint): boolean {
    const { register, terms } = this.#parts;
    return nowNs >= this.#abstainUntilNs && this.#watch.mayCampaign(register.majority, terms.tenureMs);
  }

  /** Asks every node that has answered the last time; each reply counts when it arrives. */
  #poll(): void {
    const { register, clock } = this.#parts;
    for (const node of register.nodes) {
      if (this.#polling.has(node)) continue;
      this.#polling.add(node);
      void register.status(node, 0).then((answer) => {
        this.#polling.delete(node);
        if (answer.kind === "ok") {
          this.#watch.saw(node.label, answer, clock.monotonicNs());
          this.#largest = latestCountable(this.#largest, answer.promised);
          this.#waker.wake();
        } else if (answer.why === "amnesia") this.#watch.lost(node.label);
      });
    }
  }

  /** Says who leads, as seen from here. */
  #show(nowNs: bigint): void {
    const { register, terms, cell } = this.#parts;
    const leader = this.#watch.leader(register.majority, terms.tenureMs, nowNs);
    const isShown = leader?.isAlive === true && leader.holder !== register.holder.id;
    if (!isShown || leader.epoch < this.#highestShown) {
      cell.set({ role: "unknown" });
      return;
    }
    this.#highestShown = leader.epoch;
    const leaderEndpoint = readEndpoint(leader.endpoint);
    cell.set({ role: "follower", leaderEndpoint, leaderEpoch: toEpoch(leader.epoch) });
  }

  /** One candidacy: PREPARE once to each node, then STATUS to those that promised. */
  async #campaign(): Promise<Reign | undefined> {
    const { nonce, clock } = this.#parts;
    const sent = clock.mark();
    this.#parts.cell.set({ role: "unknown" });
    const ballot = mintBallot([...this.#watch.promises(), this.#largest], nonce);
    this.#largest = latestCountable(this.#largest, ballot);
    const end = await runElection(ballot, this.#parts);
    if (end.phase === "elected") return this.#begin(end.mandate, sent);
    this.#largest = latestCountable(this.#largest, end.largest);
    this.#candidacies = Math.max(0, this.#candidacies - 1);
    await this.#tellReleased(ballot, false);
    return undefined;
  }

  /** The reign that a mandate gives. Its election was a renewal: every promise is a write that checked the epoch. */
  #begin(mandate: Mandate, sent: LeaseMark): Reign {
    const { clock, terms, freshness } = this.#parts;
    const reign = new Reign({
      ballot: mandate.epoch,
      highWater: mandate.highWater,
      waitOut: this.#waitOut(mandate),
      clock,
      terms,
      freshness,
      confirm: (ballot) => this.#confirm(ballot),
    });
    reign.renewed(sent);
    // What was seen before says nothing about the time after.
    this.#watch.clear();
    this.#candidacies = 0;
    this.#reign = reign;
    return reign;
  }

  /** A reign from its election to its end; with the claims for whose sake it has ended, if that was why. */
  async #hold(reign: Reign): Promise<readonly Claim[]> {
    const { clock, terms } = this.#parts;
    if (this.#isStopped) await this.resign();
    while (!reign.isOver) {
      const claims = reign.isLeading ? await this.#readmitter.claims(clock.monotonicNs()) : [];
      if (claims.length > 0 && !reign.isOver) {
        this.#end(reign);
        return claims;
      }
      await this.#renew(reign);
      if (reign.isOver) break;
      const nowNs = clock.monotonicNs();
      if (!reign.isLeading && reign.waitOut.over(nowNs)) this.#lead(reign);
      // Silent for a whole tenure beyond its end: whoever can reach the nodes shall lead.
      if (reign.ageMs() > terms.tenureMs * (2 - terms.drift)) await this.#release(reign, this.#end(reign));
      else await this.#waker.sleep(this.#untilRenewal(reign, nowNs));
    }
    return [];
  }

  #waitOut(mandate: Mandate): WaitOut {
    const { clock, terms, freshness, durableBeats, register } = this.#parts;
    const nowNs = clock.monotonicNs();
    if (freshness === "confirm") return WaitOut.none(nowNs);
    return waitAfter(mandate.electors, {
      terms,
      n: register.members.length,
      own: this.#own,
      watch: this.#watch,
      durableBeats,
      nowNs,
    });
  }

  #lead(reign: Reign): void {
    reign.lead();
    this.#highestShown = reign.ballot;
    this.#parts.cell.set({ role: "leader", epoch: reign.epoch, tenure: reign.tenure });
  }

  #untilRenewal(reign: Reign, nowNs: bigint): number {
    const { terms } = this.#parts;
    const quarter = terms.tenureMs / 4;
    const due = reign.ageMs() < quarter ? quarter - reign.ageMs() : terms.tenureMs / 30;
    return reign.isLeading ? due : Math.min(due, Math.max(1, reign.waitOut.remainingMs(nowNs)));
  }

  /** Renews, unless another write has done so lately, and writes back what the election saw. */
  async #renew(reign: Reign): Promise<void> {
    const { register, terms } = this.#parts;
    if (reign.ageMs() < terms.tenureMs / 4) return;
    const sent = reign.mark();
    const { verdict } = await register.round("a renewal", (node) =>
      register.persist(node, reign.ballot, reign.highWater),
    );
    if (verdict.kind === "met") reign.renewed(sent);
    else if (verdict.kind === "fenced") this.fenced(reign, verdict.promised);
  }

  /** Whether a majority shows this epoch as the newest, in a round that starts now. */
  async #confirm(ballot: Ballot): Promise<boolean> {
    const { register } = this.#parts;
    const { verdict } = await register.round("a confirmation", async (node) => {
      const answer = await register.status(node);
      if (answer.kind !== "ok" || answer.promised === ballot) return answer;
      return { kind: answer.promised > ballot ? ("fenced" as const) : ("behind" as const), promised: answer.promised };
    });
    if (verdict.kind === "refused") throw verdict.error;
    const reign = this.#reign;
    if (verdict.kind === "fenced" && reign?.ballot === ballot) this.fenced(reign, verdict.promised);
    return verdict.kind === "met";
  }

  /** Ends a reign here and now. Says whether it had been leading, and so had completed its wait. */
  #end(reign: Reign): boolean {
    if (this.#reign !== reign) return false;
    const wasLeading = reign.end();
    this.#reign = undefined;
    this.#own = reign.past;
    this.#parts.cell.set({ role: "unknown" });
    this.#waker.wake();
    return wasLeading;
  }

  /** Tells the store that a reign is over: cleanly only if it had completed its own wait and its writes have settled. */
  async #release(reign: Reign, wasLeading: boolean): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.#tellReleased(reign.ballot, wasLeading);
  }

  async #tellReleased(ballot: Ballot, clean: boolean): Promise<void> {
    const { register } = this.#parts;
    await register.round("a release", (node) => register.release(node, ballot, clean));
  }
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
