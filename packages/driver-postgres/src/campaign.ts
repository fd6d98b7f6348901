// SPDX-License-Identifier: Apache-2.0
import { WaitOut, waitOutMs } from "@tsoracle/consensus";
import { EPOCH_ZERO, type Epoch } from "@tsoracle/core";
import { Adrift } from "./adrift.ts";
import {
  type CampaignEffect,
  type CampaignEvent,
  type CampaignOptions,
  type CampaignState,
  note,
  type OwnReign,
  type Reigning,
  type Sighting,
} from "./campaign-protocol.ts";
import { earliest, wakeAtNs } from "./campaign-wake.ts";
import { Pace } from "./pace.ts";
import type { BumpRow, OracleRow } from "./rows.ts";
import { sightingOf, waitAfter } from "./wait-after.ts";
import { Witness } from "./witness.ts";

/**
 * How one process comes to lead, stays leader and stops, as a pure step machine (`postgres-redis.md` 2.3 and 3.7):
 * poll → try the lock → bump → wait out → lead → renew → suspended → stepped down. Feed it one event and the monotonic
 * time, perform the effects in order.
 *
 * - "lead" follows a bump that was acknowledged in this very reign, and comes once per epoch.
 * - With `lease`, "lead" comes no earlier than D(1+ρ) after the predecessor's last sign of life, unless the predecessor
 *   said that it had stopped, or was this process itself.
 * - "release" and "clean" name only reigns whose own wait was over, so that a wait is never cut short by one who still
 *   owed it.
 * - After "lead" of one epoch comes "end_reign" before anything else is said about leadership.
 * - With `lease`, a reign outlives its connection by what is left of its tenure: no successor serves before that, whatever
 *   it learns. It ends when a new connection is there, and is called clean only after it ended.
 */
export class Campaign {
  readonly #options: CampaignOptions;
  readonly #pace: Pace;
  #state: CampaignState;
  #ownReign: OwnReign | undefined;
  /** Whether the own reign may be called clean on the next connection; it is over by then. */
  #owesClean = false;
  #adrift: Adrift | undefined;
  #sighting: Sighting | undefined;
  #attempt = 0;
  #evictedAtNs: bigint | undefined;
  /** After a resignation, others go first until then. */
  #standBackUntilNs = 0n;
  /** The lock is about to be free, after an announcement or a lost session: poll often for a moment. */
  #hurryUntilNs = 0n;
  readonly #witness = new Witness();

  constructor(options: CampaignOptions, nowNs: bigint) {
    this.#options = options;
    this.#pace = new Pace(options.terms, options.random);
    this.#state = { phase: "disconnected", retryAtNs: nowNs };
  }

  get state(): CampaignState {
    return this.#state;
  }

  /** The epoch that may be served now, as far as leadership goes. */
  get leadingEpoch(): Epoch | undefined {
    const state = this.#state;
    return state.phase === "leading" || state.phase === "suspended" ? state.reign.epoch : this.#adrift?.epoch;
  }

  /** When to send the next "tick", at the latest; undefined while an answer is awaited. */
  get wakeAtNs(): bigint | undefined {
    const wakeNs = wakeAtNs(this.#state, this.#pace);
    return this.#adrift === undefined ? wakeNs : earliest(wakeNs, this.#adrift.untilNs);
  }

  /** Consumes one event. An answer that the present state does not await is dropped. */
  step(event: CampaignEvent, nowNs: bigint): readonly CampaignEffect[] {
    if (this.#adrift?.endsWith(event, nowNs) !== true) return this.#step(event, nowNs);
    this.#adrift = undefined;
    return [{ type: "end_reign" }, { type: "unknown" }, ...this.#step(event, nowNs)];
  }

  #step(event: CampaignEvent, nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    if (state.phase === "stopped") return [];
    switch (event.type) {
      case "tick":
        return this.#onTick(nowNs);
      case "connected":
        return state.phase === "connecting" ? this.#onConnected(nowNs) : [];
      case "connect_failed":
        return state.phase === "connecting" ? this.#dropped(event.permanent, nowNs) : [];
      case "lost":
        return this.#onLost(event.permanent, nowNs);
      case "cleaned":
        return state.phase === "cleaning" ? this.#onCleaned() : [];
      case "polled":
        return state.phase === "polling" ? this.#onPolled(event.row, event.got, nowNs) : [];
      case "evicted":
        return state.phase === "evicting" ? this.#onEvicted(event.killed, nowNs) : [];
      case "bumped":
        return state.phase === "bumping" ? this.#onBumped(event.row, state.sentNs, nowNs) : [];
      case "accepted":
        return this.#onAccepted(event, nowNs);
      case "refused":
        return this.#onRefused(nowNs);
      case "fenced":
        return this.#onFenced(event.epoch, nowNs);
      case "notified":
        return this.#onNotified(nowNs);
      case "resign":
        return this.#onResign(nowNs);
      case "stop":
        return this.#onStop(nowNs);
      case "released":
        return state.phase === "releasing" ? this.#onReleased(state.next, nowNs) : [];
      default:
        return event satisfies never;
    }
  }

  #onTick(nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    switch (state.phase) {
      case "disconnected":
        if (nowNs < state.retryAtNs) return [];
        this.#state = { phase: "connecting" };
        return [{ type: "connect" }];
      case "following":
        return nowNs < state.pollAtNs ? [] : this.#poll(nowNs);
      case "waiting":
        return state.reign.wait.over(nowNs) ? this.#leadOrDrop(state, nowNs) : this.#renewIfDue(state, nowNs);
      case "leading": {
        const lapsed = nowNs - state.renewedNs >= this.#pace.usableNs;
        if (!lapsed) return this.#renewIfDue(state, nowNs);
        const suspended = { ...state, phase: "suspended" } as const;
        this.#state = suspended;
        const lapse = note("warn", "the tenure lapsed; nothing is answered until it is renewed");
        return [lapse, ...this.#renewIfDue(suspended, nowNs)];
      }
      case "suspended":
        return nowNs - state.renewedNs >= this.#pace.stepDownAfterNs
          ? this.#stepDown(nowNs)
          : this.#renewIfDue(state, nowNs);
      case "connecting":
      case "cleaning":
      case "polling":
      case "evicting":
      case "bumping":
      case "releasing":
      case "stopped":
        return [];
      default:
        return state satisfies never;
    }
  }

  #onConnected(nowNs: bigint): readonly CampaignEffect[] {
    this.#attempt = 0;
    const own = this.#ownReign;
    if (own !== undefined && this.#owesClean) {
      this.#owesClean = false;
      this.#hurryUntilNs = nowNs + this.#pace.hurryNs;
      this.#state = { phase: "cleaning", epoch: own.epoch };
      return [{ type: "clean", epoch: own.epoch }];
    }
    return this.#onCleaned();
  }

  /** Polls at once, without the lock if somebody else is to go first. */
  #onCleaned(): readonly CampaignEffect[] {
    this.#state = { phase: "following", pollAtNs: 0n };
    return [];
  }

  #poll(nowNs: bigint): readonly CampaignEffect[] {
    this.#state = { phase: "polling" };
    return [{ type: "poll", tryLock: this.#wantsToLead(nowNs) }];
  }

  #wantsToLead(nowNs: bigint): boolean {
    return nowNs >= this.#standBackUntilNs && this.#options.mayLead();
  }

  #onPolled(row: OracleRow, got: boolean, nowNs: bigint): readonly CampaignEffect[] {
    const lost = this.#witness.missing(row);
    if (lost !== undefined) return [note("error", lost), ...this.#dropped(true, nowNs)];
    this.#witness.see(row);
    this.#sighting = sightingOf(row, this.#sighting, nowNs);
    if (this.#ownReign !== undefined && row.epoch > this.#ownReign.epoch) this.#standBackUntilNs = 0n;
    if (got) {
      // It was asked for before this server resigned. The lock goes with the session.
      if (!this.#wantsToLead(nowNs)) return this.#dropped(false, nowNs);
      this.#state = { phase: "bumping", sentNs: nowNs };
      return [{ type: "unknown" }, { type: "bump" }];
    }
    const stillMs = Number(nowNs - this.#sighting.seenAtNs) / 1e6;
    const { terms } = this.#options;
    if (stillMs >= 2 * waitOutMs(terms) && this.#mayEvict(nowNs)) {
      this.#evictedAtNs = nowNs;
      this.#state = { phase: "evicting" };
      return [{ type: "unknown" }, { type: "evict" }];
    }
    this.#state = { phase: "following", pollAtNs: nowNs + this.#pace.pollDelayNs(nowNs < this.#hurryUntilNs) };
    const isOver = row.clean || row.epoch === EPOCH_ZERO || stillMs > terms.tenureMs;
    // A reign of this process that is over is nobody to follow.
    if (isOver || row.holderEndpoint === this.#options.endpoint) return [{ type: "unknown" }];
    return [{ type: "follow", epoch: row.epoch, holderEndpoint: row.holderEndpoint }];
  }

  /** Only who wants the lock takes it from a holder that has stopped, and not more often than once per tenure. */
  #mayEvict(nowNs: bigint): boolean {
    if (!this.#wantsToLead(nowNs)) return false;
    return this.#evictedAtNs === undefined || nowNs - this.#evictedAtNs >= this.#pace.tenureNs;
  }

  #onEvicted(killed: number, nowNs: bigint): readonly CampaignEffect[] {
    this.#state = { phase: "following", pollAtNs: nowNs };
    if (killed > 0) return [note("warn", `ended ${killed} session that held the lock and had stopped renewing`)];
    return [note("error", "the lock is held, but not by a server of this oracle: see pg_locks for who holds it")];
  }

  #onBumped(row: BumpRow, sentNs: bigint, nowNs: bigint): readonly CampaignEffect[] {
    const lost =
      this.#witness.missing(row) ?? (row.epoch === this.#witness.epoch ? "the new epoch is not new" : undefined);
    if (lost !== undefined) return [note("error", lost), ...this.#dropped(true, nowNs)];
    this.#witness.see(row);
    const known = { own: this.#ownReign, sighting: this.#sighting };
    const wait = waitAfter(row, known, this.#options, nowNs);
    const reign: OwnReign = { epoch: row.epoch, wait, predecessorWasClean: row.prevClean };
    this.#ownReign = reign;
    this.#owesClean = false;
    const renewAtNs = sentNs + this.#pace.renewEveryNs;
    const waiting = { phase: "waiting", reign, renewedNs: sentNs, renewAtNs, refusals: 0 } as const;
    this.#state = waiting;
    if (reign.wait.over(nowNs)) return this.#lead(waiting);
    const remaining = Math.ceil(reign.wait.remainingMs(nowNs));
    return [note("info", `elected; waiting ${remaining} ms for the tenure of the predecessor to run out`)];
  }

  /** Who slept through the end of its wait may have been superseded: it begins anew instead of announcing an old reign. */
  #leadOrDrop(state: Reigning, nowNs: bigint): readonly CampaignEffect[] {
    return nowNs - state.renewedNs < this.#pace.usableNs ? this.#lead(state) : this.#dropped(false, nowNs);
  }

  #lead(state: Reigning): readonly CampaignEffect[] {
    this.#state = { ...state, phase: "leading" };
    return [{ type: "lead", epoch: state.reign.epoch }];
  }

  #renewIfDue(
    state: Reigning & { readonly phase: "waiting" | "leading" | "suspended" },
    nowNs: bigint,
  ): readonly CampaignEffect[] {
    if (state.renewAtNs === undefined || nowNs < state.renewAtNs) return [];
    this.#state = { ...state, renewAtNs: undefined };
    return [{ type: "renew", epoch: state.reign.epoch }];
  }

  #onAccepted(event: CampaignEvent & { readonly type: "accepted" }, nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    this.#witness.see(event);
    if (state.phase !== "waiting" && state.phase !== "leading" && state.phase !== "suspended") return [];
    if (state.reign.epoch !== event.epoch) return [];
    let { renewedNs } = state;
    if (event.sentNs > renewedNs) renewedNs = event.sentNs;
    const lapsed = nowNs - renewedNs >= this.#pace.usableNs;
    const phase = state.phase === "suspended" && !lapsed ? "leading" : state.phase;
    const next = { ...state, phase, renewedNs, renewAtNs: renewedNs + this.#pace.renewEveryNs, refusals: 0 };
    this.#state = next;
    // What was set before this reign began it has judged already.
    if (next.phase === "waiting" && event.prevClean && !next.reign.predecessorWasClean) {
      const reign = { ...next.reign, wait: WaitOut.none(nowNs) };
      this.#ownReign = reign;
      return [
        note("info", "the predecessor has stopped; no need to wait"),
        ...this.#leadOrDrop({ ...next, reign }, nowNs),
      ];
    }
    return phase === state.phase ? [] : [note("info", "the tenure was renewed; the reign goes on")];
  }

  /** One refusal of a renewal may pass, two in a row end the reign; between lock and reign none is accepted. */
  #onRefused(nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    switch (state.phase) {
      case "leading":
      case "suspended":
        if (state.refusals > 0) return this.#dropped(false, nowNs);
        this.#state = { ...state, renewAtNs: nowNs + this.#pace.renewEveryNs / 4n, refusals: 1 };
        return [];
      case "cleaning":
        return this.#onCleaned();
      case "polling":
      case "evicting":
        this.#state = { phase: "following", pollAtNs: nowNs + this.#pace.pollDelayNs(nowNs < this.#hurryUntilNs) };
        return [];
      case "waiting":
      case "bumping":
        return this.#dropped(false, nowNs);
      case "releasing":
      case "disconnected":
      case "connecting":
      case "following":
      case "stopped":
        return [];
      default:
        return state satisfies never;
    }
  }

  #onFenced(epoch: Epoch, nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    if (state.phase !== "waiting" && state.phase !== "leading" && state.phase !== "suspended") return [];
    if (state.reign.epoch !== epoch) return [];
    return [note("warn", `epoch ${epoch} was superseded`), ...this.#dropped(false, nowNs)];
  }

  #onNotified(nowNs: bigint): readonly CampaignEffect[] {
    this.#hurryUntilNs = nowNs + this.#pace.hurryNs;
    const state = this.#state;
    if (state.phase === "following") this.#state = { phase: "following", pollAtNs: nowNs };
    // Perhaps the predecessor says that it has stopped; the answer to a renewal shows whether that is so.
    if (state.phase === "waiting" && state.renewAtNs !== undefined) this.#state = { ...state, renewAtNs: nowNs };
    return [];
  }

  #onResign(nowNs: bigint): readonly CampaignEffect[] {
    this.#standBackUntilNs = nowNs + this.#pace.standBackNs;
    const state = this.#state;
    switch (state.phase) {
      case "leading":
      case "suspended":
        this.#state = { phase: "releasing", next: "follow" };
        return [{ type: "end_reign" }, { type: "unknown" }, { type: "release", epoch: state.reign.epoch }];
      case "bumping":
      case "waiting":
        return this.#dropped(false, nowNs);
      default:
        return [];
    }
  }

  #onStop(nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    switch (state.phase) {
      case "leading":
      case "suspended":
        this.#state = { phase: "releasing", next: "stop" };
        return [{ type: "end_reign" }, { type: "unknown" }, { type: "release", epoch: state.reign.epoch }];
      case "releasing":
        this.#state = { phase: "releasing", next: "stop" };
        return [];
      default:
        return this.#onReleased("stop", nowNs);
    }
  }

  #onReleased(next: "follow" | "stop", nowNs: bigint): readonly CampaignEffect[] {
    this.#owesClean = false;
    if (next === "stop") {
      this.#state = { phase: "stopped" };
      return [{ type: "unknown" }, { type: "disconnect" }];
    }
    this.#state = { phase: "disconnected", retryAtNs: nowNs };
    return [{ type: "disconnect" }];
  }

  #stepDown(nowNs: bigint): readonly CampaignEffect[] {
    return [note("warn", "no renewal was accepted for too long: stepping down"), ...this.#dropped(false, nowNs)];
  }

  /** The session was lost, for no reason that is known. What it renewed last still holds. */
  #onLost(permanent: boolean, nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    if (permanent || state.phase !== "leading" || this.#options.freshness !== "lease") {
      return this.#dropped(permanent, nowNs);
    }
    const untilNs = state.renewedNs + this.#pace.usableNs;
    if (nowNs >= untilNs) return this.#dropped(false, nowNs);
    this.#adrift = new Adrift(state.reign.epoch, untilNs);
    this.#owesClean = true;
    this.#state = { phase: "disconnected", retryAtNs: nowNs + this.#pace.retryDelayNs(this.#attempt++) };
    return [{ type: "disconnect" }];
  }

  /** The session is gone, or must go; a reign that depended on it is over. */
  #dropped(permanent: boolean, nowNs: bigint): readonly CampaignEffect[] {
    const state = this.#state;
    if (state.phase === "disconnected" || state.phase === "stopped") return [];
    if (state.phase === "releasing") return this.#onReleased(state.next, nowNs);
    const led = state.phase === "leading" || state.phase === "suspended";
    const reigned = led || state.phase === "waiting";
    if (reigned && state.reign.wait.over(nowNs)) this.#owesClean = true;
    this.#state = {
      phase: "disconnected",
      retryAtNs: nowNs + (permanent ? this.#pace.slowRetryNs() : this.#pace.retryDelayNs(this.#attempt++)),
    };
    if (this.#adrift !== undefined) return [{ type: "disconnect" }];
    return [...(led ? [{ type: "end_reign" } as const] : []), { type: "unknown" }, { type: "disconnect" }];
  }
}
