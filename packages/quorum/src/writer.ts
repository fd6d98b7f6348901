// SPDX-License-Identifier: Apache-2.0
import type { QuorumResult } from "./ack-tracker.ts";
import { DeadLetters } from "./dead-letters.ts";
import { FanOut, type MissingPeer } from "./fan-out.ts";
import { noMetrics, type QuorumMetricLabels, type QuorumMetricName, type QuorumMetrics } from "./metrics.ts";
import type { PeerOutcome, QuorumPeer, QuorumRecord } from "./peer.ts";
import { checkPeers } from "./peer-address.ts";
import { PeerLink } from "./peer-link.ts";
import type { QuorumPolicy } from "./policy.ts";
import { QuorumError } from "./quorum-error.ts";
import { systemTimers, type Timers } from "./timers.ts";

/** Something that an operator should know. It failed no write. */
export type QuorumWarning =
  | { readonly kind: "missing_peers"; readonly recordId: string; readonly peers: readonly string[] }
  | { readonly kind: "id_drift"; readonly recordId: string; readonly peer: string }
  | { readonly kind: "clock_skew"; readonly peer: string; readonly skewMs: number }
  | { readonly kind: "dead_letter_dropped"; readonly recordId: string; readonly peer: string };

export interface QuorumWriterOptions<T> {
  readonly policy: QuorumPolicy;
  readonly peers: readonly QuorumPeer<T>[];
  /** Makes the local copy durable; it bounds itself. Leave it out when every copy is at a peer. */
  readonly local?: (record: QuorumRecord<T>) => Promise<void>;
  /** Ignore acknowledgements after the deadline. @defaultValue false */
  readonly strictDeadline?: boolean;
  /** Deliveries to one peer under way at once, stragglers included. @defaultValue 1000 */
  readonly inFlightPerPeerMax?: number;
  /** @defaultValue a queue in memory, of 10,000 */
  readonly deadLetters?: DeadLetters<T>;
  readonly metrics?: QuorumMetrics;
  readonly onWarning?: (warning: QuorumWarning) => void;
  readonly timers?: Timers;
}

/**
 * Writes to W of N: the local copy first, then all peers at once.
 *
 * - The answer comes when W copies are confirmed, when they have become impossible, or at the deadline.
 * - A failed send is repeated once, after 250 ms; a drift is not repeated.
 * - Sends are never cancelled: after the answer they run to their end. Who has not acknowledged by the
 *   deadline gets a dead letter, which a late acknowledgement or `replayDeadLetters` settles.
 * - The local copy is never taken back. **A quorum that was not met is an unknown outcome**: the write may
 *   surface later. Retry what is idempotent with the same id; find out first about the rest.
 * - Writes are not ordered among each other, and a replay may bring an older record after a newer one: a
 *   peer must tell by the record itself, as a ratchet does.
 *
 * Source: `fencing-quorum-sessions.md` 2.4.
 */
export class QuorumWriter<T> {
  readonly deadLetters: DeadLetters<T>;
  readonly #options: QuorumWriterOptions<T>;
  readonly #links: readonly PeerLink<T>[];
  readonly #timers: Timers;
  readonly #sending = new Set<Promise<void>>();
  #replay: Promise<void> | undefined;

  /** @throws QuorumError `duplicate_peer`, `invalid_peer`, `invalid_policy` when n is not the number of copies. */
  constructor(options: QuorumWriterOptions<T>) {
    const { policy, peers, inFlightPerPeerMax = 1_000 } = options;
    checkPeers(peers.map(({ id }) => id));
    const copies = peers.length + (options.local === undefined ? 0 : 1);
    if (policy.n !== copies) {
      throw QuorumError.invalidPolicy(
        `n must be the number of copies, ${copies} (peers and local copy), got ${policy.n}`,
      );
    }
    if (!Number.isSafeInteger(inFlightPerPeerMax) || inFlightPerPeerMax < 1) {
      throw QuorumError.invalidPolicy(`inFlightPerPeerMax must be a whole number from 1 on, got ${inFlightPerPeerMax}`);
    }
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.deadLetters = options.deadLetters ?? new DeadLetters();
    const metrics: QuorumMetrics = { record: (name, labels, value) => this.#record(name, labels, value) };
    this.#links = peers.map(
      (peer, index) =>
        new PeerLink({ peer, label: `peer-${index}`, timers: this.#timers, metrics, inFlightMax: inFlightPerPeerMax }),
    );
  }

  /**
   * Writes one record.
   *
   * @returns the verdict; expected failures are values, the promise does not reject
   */
  async write(record: QuorumRecord<T>): Promise<QuorumResult> {
    try {
      await this.#options.local?.(record);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return { ok: false, error: QuorumError.localWriteFailed(detail, error) };
    }
    const fanOut = this.#fanOut(record);
    const sending = fanOut.sent.finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    const result = await fanOut.verdict;
    const reason = result.ok ? undefined : result.error.quorum?.reason;
    if (reason !== undefined) this.#record("replication_quorum_failures_total", { reason }, 1);
    return result;
  }

  /** Resolves when no send is under way any more, stragglers included. For an orderly end. */
  async idle(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  /**
   * Sends every dead letter once more, one after the other. What is acknowledged is settled, the rest stays.
   * A call during a replay waits for that replay.
   */
  async replayDeadLetters(): Promise<void> {
    this.#replay ??= this.#replayAll().finally(() => {
      this.#replay = undefined;
    });
    await this.#replay;
  }

  #fanOut(record: QuorumRecord<T>): FanOut {
    const links = new Map(this.#links.map((link) => [link.id, link]));
    return new FanOut({
      policy: this.#options.policy,
      peers: this.#links.map((link) => ({ id: link.id, deliver: () => link.deliver(record) })),
      hasLocalVote: this.#options.local !== undefined,
      isStrict: this.#options.strictDeadline ?? false,
      timers: this.#timers,
      onOutcome: (peerId, outcome, isLate) => this.#onOutcome(record, links.get(peerId), outcome, isLate),
      onAccount: (missing, result) => this.#onAccount(record, missing, result),
    });
  }

  #onOutcome(record: QuorumRecord<T>, link: PeerLink<T> | undefined, outcome: PeerOutcome, isLate: boolean): void {
    if (link === undefined) return;
    switch (outcome.kind) {
      case "ack":
        this.#record("replication_quorum_ack_total", { result: isLate ? "late" : "ok" }, 1);
        this.#settle(link, record);
        this.#noteSkew(link, outcome.clockSkewMs);
        break;
      case "id_drift":
        this.#record("replication_quorum_ack_total", { result: "id_drift" }, 1);
        this.#warn({ kind: "id_drift", recordId: record.id, peer: link.id });
        break;
      case "fail":
        this.#record("replication_quorum_ack_total", { result: "fail" }, 1);
        break;
      default:
        outcome satisfies never;
    }
  }

  #onAccount(record: QuorumRecord<T>, missing: readonly MissingPeer[], result: QuorumResult): void {
    if (missing.length === 0) return;
    if (result.ok) this.#record("replication_partial_quorum_total", {}, 1);
    for (const { id, reason } of missing) {
      const dropped = this.deadLetters.push({ peerId: id, record, reason });
      if (dropped === undefined) continue;
      this.#record("replication_fanout_dropped_total", { reason: "dead_letter_overflow" }, 1);
      this.#warn({ kind: "dead_letter_dropped", recordId: dropped.record.id, peer: dropped.peerId });
    }
    this.#record("replication_dead_letter_depth", {}, this.deadLetters.size);
    this.#warn({ kind: "missing_peers", recordId: record.id, peers: missing.map(({ id }) => id) });
  }

  #noteSkew(link: PeerLink<T>, clockSkewMs: number | undefined): void {
    if (clockSkewMs === undefined || !Number.isFinite(clockSkewMs)) return;
    const skewMs = Math.abs(clockSkewMs);
    this.#record("replication_clock_skew_seconds", { peer: link.label }, skewMs / 1_000);
    if (skewMs > this.#options.policy.clockSkewWarnMs) this.#warn({ kind: "clock_skew", peer: link.id, skewMs });
  }

  #settle(link: PeerLink<T>, record: QuorumRecord<T>): void {
    this.deadLetters.settle(link.id, record.id);
    this.#record("replication_dead_letter_depth", {}, this.deadLetters.size);
  }

  async #replayAll(): Promise<void> {
    const links = new Map(this.#links.map((link) => [link.id, link]));
    for (const { peerId, record } of this.deadLetters.list()) {
      const link = links.get(peerId);
      if (link === undefined) continue;
      const outcome = await link.redeliver(record);
      if (outcome.kind === "ack") this.#settle(link, record);
    }
  }

  /** Measurements and warnings are for watching: a watcher that throws must not change the fate of a write. */
  #record<N extends QuorumMetricName>(name: N, labels: QuorumMetricLabels[N], value: number): void {
    try {
      (this.#options.metrics ?? noMetrics).record(name, labels, value);
    } catch {
      // Nobody to tell: the metrics themselves are broken.
    }
  }

  #warn(warning: QuorumWarning): void {
    try {
      this.#options.onWarning?.(warning);
    } catch {
      // As above.
    }
  }
}
