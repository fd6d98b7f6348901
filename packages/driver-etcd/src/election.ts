// SPDX-License-Identifier: Apache-2.0
import { ConsensusError, type LeadershipCell, type LeaseMark, usableTenureMs, type WaitOut } from "@tsoracle/consensus";
import type { Epoch } from "@tsoracle/core";
import { Candidacy } from "./candidacy.ts";
import { EtcdFailure, toConsensusError } from "./failure.ts";
import type { FencedStore } from "./fenced-store.ts";
import type { DriverConfig } from "./options.ts";
import { found } from "./outcomes.ts";
import { advertisedBy, asEpoch, decodeReign, encodeReign } from "./records.ts";
import type { Register } from "./register.ts";
import { Reign } from "./reign.ts";
import { ReignWatch } from "./reign-watch.ts";
import { sleep } from "./sleep.ts";
import { type LastReign, type OwnReign, type Sighting, waitAfter } from "./succession.ts";
import { type Claim, oldestCandidate, put, unmodified } from "./transactions.ts";

/** No reign has this epoch, so nothing is known of one that left no record. */
const NO_RECORD: LastReign = { epoch: -1n, modRevision: 0n, clean: false };

/** A candidacy that is over, whose key may still be in the store. */
interface Leftover {
  readonly claim: Claim;
  readonly release: Uint8Array | undefined;
}

/**
 * Stands for election, again and again, until it is stopped: lease and key (T1), its turn (T2), load (T3), the record of
 * the new reign, the wait for the tenure before it, leadership with renewals, resignation (T5). Tells the cell who leads.
 */
export class Election {
  readonly #config: DriverConfig;
  readonly #register: Register;
  readonly #fenced: FencedStore;
  readonly #cell: LeadershipCell;
  readonly #watch: ReignWatch;
  readonly #stop = new AbortController();
  #candidacy: Candidacy | undefined;
  #reign: Reign | undefined;
  #own: OwnReign | undefined;
  #leftover: Leftover | undefined;
  /** Settles when the candidacy of now has been left, key and all. */
  #left: Promise<void> = Promise.resolve();
  #running: Promise<unknown> = Promise.resolve();
  #told = "";
  /** The newest epoch that was named as somebody else's. */
  #followed = 0n;

  constructor(config: DriverConfig, register: Register, fenced: FencedStore, cell: LeadershipCell) {
    this.#config = config;
    this.#register = register;
    this.#fenced = fenced;
    this.#cell = cell;
    this.#watch = new ReignWatch(register, config, () => {
      // What else it may throw has closed the cell, whose readers are told.
      void this.#hint().catch(() => {});
    });
  }

  /** Begins. Resolves to how the first look at the store ended: a failure, or nothing. */
  async start(): Promise<unknown> {
    this.#register.store.onHalt((failure) => this.#halted(failure));
    const first = await this.#register.bind().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (this.#stop.signal.aborted) return first;
    this.#running = Promise.all([this.#run(), this.#watch.run(this.#stop.signal)]);
    return first;
  }

  /** Stops granting at once; resolves when the key is gone, or cannot be reached. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#candidacy?.end("this server is being stopped");
    await this.#running;
  }

  /** Hands over, if this process leads; lets all who stand behind it go first. */
  async resign(): Promise<void> {
    this.#candidacy?.end("it resigned");
    await this.#left;
  }

  /** The candidacy that leads in this epoch. @throws ConsensusError `not_leader`, `fenced` */
  leading(epoch: Epoch): Candidacy {
    const reign = this.#reign;
    if (reign?.isLeading === true && reign.epoch === epoch) return reign.candidacy;
    const now = reign?.isLeading === true ? reign.epoch : undefined;
    const instead = now === undefined ? "does not lead" : `leads in epoch ${now}`;
    throw new ConsensusError("not_leader", `this server ${instead}, and not in epoch ${epoch}; nothing was written`, {
      currentEpoch: now,
    });
  }

  /** The candidacy that leads, if this process does. */
  get leader(): Candidacy | undefined {
    return this.#reign?.isLeading === true ? this.#reign.candidacy : undefined;
  }

  async #run(): Promise<void> {
    const { after, terms } = this.#config;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      const began = this.#config.clock.monotonicNs();
      try {
        await this.#stand();
        failures = 0;
        await sleep(after, terms.tenureMs / 200, signal);
      } catch (error) {
        const isPermanent = toConsensusError(error, false).code === "permanent";
        this.#report(error, isPermanent);
        failures = this.#config.clock.monotonicNs() - began > BigInt(terms.tenureMs) * 1_000_000n ? 1 : failures + 1;
        const delayMs = isPermanent ? terms.tenureMs : (terms.tenureMs / 100) * 2 ** Math.min(failures, 5);
        await sleep(after, delayMs, signal);
      }
    }
    if (this.#leftover !== undefined) await this.#leave(this.#leftover);
  }

  /** One candidacy from beginning to end. */
  async #stand(): Promise<void> {
    await this.#register.bind();
    if (this.#leftover !== undefined && !(await this.#leave(this.#leftover))) {
      await sleep(this.#config.after, this.#config.terms.tenureMs / 20, this.#stop.signal);
    }
    const candidacy = await Candidacy.enter(this.#register.store, this.#config, this.#stop.signal);
    let settle = (): void => {};
    this.#left = new Promise((resolve) => {
      settle = resolve;
    });
    candidacy.signal.addEventListener("abort", () => this.#depose(candidacy));
    this.#candidacy = candidacy;
    if (this.#stop.signal.aborted) candidacy.end("this server is being stopped");
    try {
      await this.#reignWhenItsTurn(candidacy);
    } catch (error) {
      candidacy.end("it met an error");
      if (!isOver(error)) throw error;
    } finally {
      await this.#leave({ claim: candidacy.claim, release: this.#releaseOf(candidacy) });
      this.#candidacy = undefined;
      this.#reign = undefined;
      settle();
    }
  }

  async #reignWhenItsTurn(candidacy: Candidacy): Promise<void> {
    const { signal } = candidacy;
    await candidacy.turn({ onBehind: () => this.#hint(), onDoubt: () => this.#cell.set({ role: "unknown" }) });
    if (signal.aborted) return;
    this.#cell.set({ role: "unknown" });
    const highWater = await this.#retrying(candidacy, () => this.#fenced.load(candidacy));
    const reign = await this.#install(candidacy);
    const { clock, keys, log } = this.#config;
    const fields = { oracle: keys.prefix, epoch: candidacy.claim.epoch.toString(), highWater };
    const remainingMs = Math.ceil(reign.wait.remainingMs(clock.monotonicNs()));
    if (remainingMs > 0)
      log.info(fields, `elected; waiting ${remainingMs} ms for the tenure of the predecessor to end`);
    const renewals = this.#config.freshness === "lease" ? this.#renew(reign) : Promise.resolve();
    await this.#waitOut(reign.wait, signal);
    // Who slept through the end of its wait may have been superseded: only a renewal since says that it was not.
    if (this.#config.freshness === "lease") {
      await this.#retrying(candidacy, async () => (reign.isFresh ? undefined : await this.#renewOnce(reign)));
    } else await this.#retrying(candidacy, () => this.#fenced.load(candidacy));
    if (signal.aborted) return;
    reign.lead();
    // Whatever comes from now on is news.
    this.#told = "";
    log.info(fields, "this server leads");
    this.#cell.set({ role: "leader", epoch: reign.epoch, tenure: reign.tenure });
    await Promise.all([renewals, over(signal)]);
  }

  /**
   * Writes the record of the new reign and learns what the last one left. Sent again after an unknown outcome: where an
   * earlier try was carried out, the record names this epoch, and what it replaced was read before.
   */
  async #install(candidacy: Candidacy): Promise<Reign> {
    const { keys, clock, freshness, terms } = this.#config;
    let last = NO_RECORD;
    let sighting: Sighting | undefined;
    let sent: LeaseMark | undefined;
    await this.#retrying(candidacy, async () => {
      for (;;) {
        const record = found(await this.#fenced.lastReign(candidacy), 0);
        const before = record === undefined ? undefined : decodeReign(record.value);
        if (before?.epoch === candidacy.claim.epoch) return;
        if (before !== undefined && before.epoch > candidacy.claim.epoch) throw this.#behind(before.epoch, candidacy);
        if (record === undefined || before === undefined) last = NO_RECORD;
        else last = { epoch: before.epoch, modRevision: record.modRevision, clean: before.clean };
        // Once this record is written the watch shows it, which may be before the answer is here.
        sighting = this.#watch.sighting;
        const mark = clock.mark();
        const isWritten = await this.#fenced.write(
          candidacy,
          [unmodified(keys.reign, last.modRevision)],
          [put(keys.reign, this.#record(candidacy, false))],
        );
        if (isWritten) {
          sent = mark;
          return;
        }
      }
    });
    const wait = waitAfter({ freshness, terms, last, own: this.#own, sighting, nowNs: clock.monotonicNs() });
    const confirm = (): Promise<boolean> => this.#confirm(candidacy);
    const reign = new Reign({ candidacy, wait, clock, terms, freshness, confirm });
    if (sent !== undefined) reign.renewed(sent);
    this.#reign = reign;
    this.#own = reign.past;
    // The candidacy may have ended while the answer was on its way.
    if (candidacy.signal.aborted) reign.end();
    return reign;
  }

  async #confirm(candidacy: Candidacy): Promise<boolean> {
    try {
      await this.#fenced.load(candidacy);
      return true;
    } catch (error) {
      if (error instanceof ConsensusError && error.code === "fenced") return false;
      throw error instanceof EtcdFailure ? error.toConsensusError(false) : ConsensusError.from(error);
    }
  }

  /** Renews while the reign lasts; gives it up when no renewal came through for longer than a tenure. Never rejects. */
  async #renew(reign: Reign): Promise<void> {
    const { after, clock, terms } = this.#config;
    const { candidacy } = reign;
    let accepted = clock.mark();
    let pauseMs = terms.tenureMs / 4;
    for (;;) {
      await sleep(after, pauseMs, candidacy.signal);
      if (candidacy.signal.aborted) return;
      const sent = reign.mark();
      try {
        await this.#renewOnce(reign);
        accepted = sent;
        pauseMs = terms.tenureMs / 4;
      } catch (error) {
        if (isOver(error)) return;
        this.#report(error, false);
        if (!(clock.ageMs(accepted) < usableTenureMs(terms) + terms.tenureMs)) {
          candidacy.end("its tenure could not be renewed for longer than a tenure");
        }
        pauseMs = terms.tenureMs / 50;
      }
    }
  }

  /** Writes the record again: the beat that a successor counts from. @throws EtcdFailure, ConsensusError */
  async #renewOnce(reign: Reign): Promise<void> {
    const { candidacy } = reign;
    const sent = reign.mark();
    const beat = put(this.#config.keys.reign, this.#record(candidacy, false));
    if (!(await this.#fenced.write(candidacy, [], [beat])))
      throw new TypeError("etcd refused a renewal that nothing stops");
    reign.renewed(sent);
  }

  async #waitOut(wait: WaitOut, signal: AbortSignal): Promise<void> {
    const { after, clock } = this.#config;
    while (!signal.aborted && !wait.over(clock.monotonicNs())) {
      await sleep(after, wait.remainingMs(clock.monotonicNs()), signal);
    }
  }

  /** Sends something again that may be sent again, for as long as the candidacy lasts. */
  async #retrying<T>(candidacy: Candidacy, attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      candidacy.signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof EtcdFailure) || error.isPermanent) throw error;
        this.#report(error, false);
        await sleep(this.#config.after, this.#config.terms.tenureMs / 50, candidacy.signal);
      }
    }
  }

  /** L6: names the oldest candidate, which leads or is about to. */
  async #hint(): Promise<void> {
    const candidacy = this.#candidacy;
    if (candidacy === undefined || candidacy.signal.aborted || this.#reign !== undefined) return;
    try {
      const { kvs } = await this.#register.store.range(oldestCandidate(this.#config.keys));
      const [oldest] = kvs;
      if (oldest === undefined || candidacy.signal.aborted || this.#reign !== undefined) return;
      const { createRevision: epoch } = oldest;
      // An answer may have been overtaken by a newer one.
      if (epoch >= candidacy.claim.epoch || epoch < this.#followed) return;
      this.#followed = epoch;
      const leaderEndpoint = advertisedBy(oldest.value);
      // A candidacy of this server that is over is nobody to follow.
      if (leaderEndpoint === this.#config.advertise) this.#cell.set({ role: "unknown" });
      else this.#cell.set({ role: "follower", leaderEndpoint, leaderEpoch: asEpoch(epoch) });
    } catch (error) {
      if (!(error instanceof EtcdFailure)) throw error;
    }
  }

  /** Runs in the very turn in which a candidacy ends. */
  #depose(candidacy: Candidacy): void {
    if (this.#reign?.candidacy === candidacy) {
      if (this.#reign.isLeading)
        this.#config.log.warn(this.#fields(), String((candidacy.signal.reason as Error).message));
      this.#reign.end();
    }
    this.#cell.set({ role: "unknown" });
  }

  #releaseOf(candidacy: Candidacy): Uint8Array | undefined {
    const reign = this.#reign;
    return reign?.candidacy === candidacy && reign.hasLed ? this.#record(candidacy, true) : undefined;
  }

  #record(candidacy: Candidacy, clean: boolean): Uint8Array {
    return encodeReign({ epoch: candidacy.claim.epoch, clean, advertise: this.#config.advertise });
  }

  /** T5, best effort: what stays costs the successor the rest of the lease, and its wait. Never rejects. */
  async #leave(leftover: Leftover): Promise<boolean> {
    this.#leftover = leftover;
    try {
      await this.#fenced.resign(leftover.claim, leftover.release);
      this.#leftover = undefined;
      return true;
    } catch (error) {
      this.#report(error, false);
      return false;
    }
  }

  #behind(stored: bigint, { claim }: Candidacy): EtcdFailure {
    return this.#register.store.halt(
      EtcdFailure.permanent(
        `oracle ${this.#config.keys.prefix} has had epoch ${stored}, and etcd gave out ${claim.epoch}: its revision went ` +
          "back. Stop all servers and follow the runbook for a restore",
      ),
    );
  }

  /** The store is not to be used any more: whatever else holds, this process leads no longer. */
  #halted(failure: EtcdFailure): void {
    this.#config.log.error(this.#fields(), failure.message);
    this.#candidacy?.end(failure.message);
  }

  /** The same trouble again and again is one line. */
  #report(error: unknown, isPermanent: boolean): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#told) return;
    this.#told = message;
    const isAlarm = isPermanent || (error instanceof EtcdFailure && error.verdict.alarm);
    this.#config.log[isAlarm ? "error" : "warn"](this.#fields(), message);
  }

  #fields(): object {
    return { oracle: this.#config.keys.prefix };
  }
}

/** What a candidacy that has ended throws. */
function isOver(error: unknown): boolean {
  return error instanceof ConsensusError && (error.code === "not_leader" || error.code === "fenced");
}

function over(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
