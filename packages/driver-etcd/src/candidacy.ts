// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { EtcdStore } from "./client/etcd-store.ts";
import { untilDeleted } from "./deletion.ts";
import { EtcdFailure } from "./failure.ts";
import { LocalDeadline } from "./local-deadline.ts";
import type { DriverConfig } from "./options.ts";
import { campaignedEpoch, predecessor } from "./outcomes.ts";
import { encodeIdentity } from "./records.ts";
import { sleep } from "./sleep.ts";
import { type Claim, t1Campaign, t2Predecessor } from "./transactions.ts";

const MAX_SILENCE_MS = 1_500;

/** What a candidate tells while it waits. */
export interface Waiting {
  /** Others are older; now is a moment to say who is the oldest (L6). */
  onBehind(): Promise<void>;
  /** The store gave no answer. */
  onDoubt(): void;
}

/**
 * One candidacy, from its lease to its end. It is over on the earliest of what L2 lists; when it is, its signal is
 * aborted in that very turn, with the reason. It never comes back: another try is another candidacy with a new key.
 */
export class Candidacy {
  readonly claim: Claim;
  readonly #store: EtcdStore;
  readonly #config: DriverConfig;
  readonly #deadline: LocalDeadline;
  readonly #over: AbortController;
  #cancelTimer: () => void = () => {};

  private constructor(
    claim: Claim,
    store: EtcdStore,
    config: DriverConfig,
    deadline: LocalDeadline,
    over: AbortController,
  ) {
    this.claim = claim;
    this.#store = store;
    this.#config = config;
    this.#deadline = deadline;
    this.#over = over;
  }

  /** Aborted when it is over; `reason` is an `Error` that says why. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Milliseconds between two tries of something that failed. */
  get #retryMs(): number {
    return this.#deadline.ttlMs / 20;
  }

  /** A third of the lease; and more often than gRPC asks whether the connection lives, which etcd resents without traffic. */
  get #keepAliveEveryMs(): number {
    return Math.min(this.#deadline.ttlMs / 3, MAX_SILENCE_MS);
  }

  /** Takes a lease and puts the key (T1). @throws EtcdFailure, ConsensusError */
  static async enter(store: EtcdStore, config: DriverConfig, signal: AbortSignal): Promise<Candidacy> {
    const { clock, terms, keys, identity } = config;
    const sent = clock.mark();
    const { id: leaseId, ttlSeconds } = await store.leaseGrant(config.ttlSeconds);
    const deadline = new LocalDeadline(clock, terms.drift, sent, ttlSeconds);
    const key = keys.candidate(leaseId);
    try {
      const epoch = await campaign(
        store,
        config,
        { key, leaseId, identity: encodeIdentity(identity) },
        deadline,
        signal,
      );
      const candidacy = new Candidacy({ key, epoch, leaseId }, store, config, deadline, new AbortController());
      candidacy.#start();
      return candidacy;
    } catch (error) {
      await store.leaseRevoke(leaseId).catch(() => {});
      throw error;
    }
  }

  /** Ends it, for the first reason that is given. */
  end(reason: string): void {
    if (this.#over.signal.aborted) return;
    this.#cancelTimer();
    this.#over.abort(new ConsensusError("not_leader", `epoch ${this.claim.epoch} is over: ${reason}`));
  }

  /** T2: resolves when no candidate is older than this one, or when it is over. */
  async turn(waiting: Waiting): Promise<void> {
    const { keys, after, terms } = this.#config;
    const signal = this.signal;
    while (!signal.aborted) {
      try {
        const response = await this.#store.range(t2Predecessor(keys, this.claim.epoch));
        const before = predecessor(response);
        if (before === undefined) return;
        await waiting.onBehind();
        await untilDeleted(
          this.#store,
          { ...before, fromRevision: response.header.revision + 1n },
          {
            after,
            signal,
            lookEveryMs: terms.tenureMs,
            retryMs: this.#retryMs,
            onDoubt: waiting.onDoubt,
            onAlive: waiting.onBehind,
          },
        );
      } catch (error) {
        if (!(error instanceof EtcdFailure) || error.isPermanent) throw error;
        waiting.onDoubt();
        await sleep(after, this.#retryMs, signal);
      }
    }
  }

  #start(): void {
    this.#armDeadline();
    void this.#keepAlive();
    void this.#watchOwnKey();
  }

  /** L3. The timer only looks; what time it is, the clocks say. */
  #armDeadline(): void {
    if (this.signal.aborted) return;
    if (!this.#deadline.holds()) {
      this.end(`no keep-alive was answered for ${this.#deadline.ttlMs} ms less the margin (L3)`);
      return;
    }
    this.#cancelTimer = this.#config.after(this.#deadline.remainingMs(), () => this.#armDeadline());
  }

  async #keepAlive(): Promise<void> {
    const { after, clock } = this.#config;
    let pauseMs = this.#keepAliveEveryMs;
    for (;;) {
      await sleep(after, pauseMs, this.signal);
      if (this.signal.aborted) return;
      try {
        const sent = clock.mark();
        const ttlSeconds = await this.#store.keepAlive(this.claim.leaseId);
        if (ttlSeconds <= 0n) return this.end("its lease is gone from etcd (L2)");
        this.#deadline.answered(sent, ttlSeconds);
        pauseMs = this.#keepAliveEveryMs;
      } catch {
        pauseMs = this.#retryMs;
      }
    }
  }

  /** L2: the key may go before its lease does, by an operator's hand. */
  async #watchOwnKey(): Promise<void> {
    const { claim, signal } = this;
    await untilDeleted(
      this.#store,
      { key: claim.key, createRevision: claim.epoch, fromRevision: claim.epoch + 1n },
      {
        after: this.#config.after,
        signal,
        lookEveryMs: this.#config.terms.tenureMs,
        retryMs: this.#retryMs,
      },
    );
    this.end("its key was deleted from etcd (L2)");
  }
}

interface Entry {
  readonly key: Uint8Array;
  readonly leaseId: bigint;
  readonly identity: Uint8Array;
}

/** T1. With an unknown outcome the same transaction is sent again, and finds the key where it was carried out. */
async function campaign(
  store: EtcdStore,
  { after }: DriverConfig,
  { key, leaseId, identity }: Entry,
  deadline: LocalDeadline,
  signal: AbortSignal,
): Promise<bigint> {
  for (;;) {
    try {
      const epoch = campaignedEpoch(await store.txn(t1Campaign(key, identity, leaseId)));
      if (epoch !== undefined) return epoch;
    } catch (error) {
      const isOpen = error instanceof EtcdFailure && !error.isPermanent && error.verdict.outcome === "unknown";
      if (!isOpen || signal.aborted || !deadline.holds()) throw error;
      await sleep(after, deadline.ttlMs / 20, signal);
    }
  }
}
