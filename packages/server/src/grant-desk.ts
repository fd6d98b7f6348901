// SPDX-License-Identifier: Apache-2.0
import type { Clock, WindowGrant } from "@tsoracle/core";
import { dispositionOf, grantStatus, statusOf } from "./classify.ts";
import type { Extension, Refusal } from "./extension.ts";
import { messageOf } from "./finish.ts";
import type { LeaderWatch } from "./leader-watch.ts";
import type { Logger } from "./logger.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { NotLeader } from "./not-leader.ts";
import type { Reign } from "./reign.ts";
import type { ServingCore } from "./serving-core.ts";
import { Code, RpcError } from "./status.ts";
import type { Timers } from "./timers.ts";

/** Who asked. Exactly one of the two methods is called for each request, in order of submission when granted. */
export interface GrantSink {
  granted(grant: WindowGrant): void;
  refused(error: RpcError): void;
  /** Whether nobody waits for the answer any more; such requests are dropped unanswered. */
  readonly abandoned: boolean;
}

interface Request {
  readonly count: number;
  readonly sink: GrantSink;
  /** The clock reading with which it found the window used up; its second try uses the same one. */
  exhaustedAtMs: number | undefined;
}

interface Granted {
  readonly sink: GrantSink;
  readonly grant: WindowGrant;
}

export interface GrantDeskParts {
  readonly core: ServingCore;
  readonly extension: Pick<Extension, "makeRoom" | "inBackground">;
  readonly watch: Pick<LeaderWatch, "deposed" | "failed">;
  readonly notLeader: NotLeader;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  readonly maxPending: number;
}

/**
 * Answers timestamp requests, first in, first out. All that arrived in one event-loop turn are
 * answered at its end, in one synchronous step: one clock read, the allocations, one look at the
 * tenure after the last request was read, the replies (`postgres-redis.md` 2.5). What a failed look
 * leaves over is burnt: those timestamps are never handed out.
 *
 * While a driver is asked, for a longer window or for a confirmation, requests queue up for the
 * next step; none joins a confirmation that has begun.
 */
export class GrantDesk {
  readonly #parts: GrantDeskParts;
  #queue: Request[] = [];
  /** Allocated, and waiting for the confirmation of their reign. */
  #confirming: Granted[] = [];
  /** What the driver is being asked before the next step; a reign that ends takes it along. */
  #asking: object | undefined;
  #scheduled = false;

  constructor(parts: GrantDeskParts) {
    this.#parts = parts;
    parts.core.state.onChange((state) => {
      if (state.kind === "not_serving") this.#refuseAll();
    });
  }

  /** How many requests have been taken and not answered. */
  get pending(): number {
    return this.#queue.length + this.#confirming.length;
  }

  /** Takes a request with a count of at least 1. */
  submit(count: number, sink: GrantSink): void {
    const { core, metrics, notLeader, maxPending } = this.#parts;
    metrics.add("tsoracle.get_ts.requests.total");
    if (core.reign === undefined) {
      this.#refuse(sink, notLeader.answer());
      return;
    }
    if (this.#queue.length >= maxPending) {
      const message = `${maxPending} timestamp requests are waiting already; try again later`;
      this.#refuse(sink, new RpcError(Code.RESOURCE_EXHAUSTED, message));
      return;
    }
    this.#queue.push({ count, sink, exhaustedAtMs: undefined });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#asking !== undefined || this.#queue.length === 0) return;
    this.#scheduled = true;
    this.#parts.timers.atTurnEnd(() => {
      this.#scheduled = false;
      if (this.#asking === undefined) this.#step();
    });
  }

  #step(): void {
    const { core, clock, extension } = this.#parts;
    const { reign } = core;
    if (reign === undefined) return;
    const nowMs = clock.nowMs();
    const { granted, blocked } = this.#allocate(reign, nowMs);
    const { confirm } = reign;
    const steps: Promise<void>[] = [];
    if (confirm === undefined) this.#settle(reign, granted);
    else if (granted.length > 0) steps.push(this.#confirm(reign, granted, confirm));
    // A reply can be the start of a shutdown, after which there is nothing left to do.
    if (reign.ended) return;
    if (blocked !== undefined) steps.push(this.#makeRoom(reign, blocked, nowMs));
    extension.inBackground(reign, nowMs);
    if (steps.length === 0) return;
    const asking = {};
    this.#asking = asking;
    void Promise.all(steps).then(() => {
      if (this.#asking !== asking) return;
      this.#asking = undefined;
      this.#schedule();
    });
  }

  /** Takes what can be granted or must be refused off the queue; stops at the first that needs room. */
  #allocate(reign: Reign, nowMs: number): { readonly granted: Granted[]; readonly blocked: Request | undefined } {
    const granted: Granted[] = [];
    const queue = this.#queue;
    this.#queue = [];
    for (const [index, request] of queue.entries()) {
      const { sink, count } = request;
      if (sink.abandoned) continue;
      const result = reign.allocator.tryGrant(request.exhaustedAtMs ?? nowMs, count);
      if (result.ok) {
        granted.push({ sink, grant: result.grant });
      } else if (result.reason === "window_exhausted" && request.exhaustedAtMs === undefined) {
        // Whoever was told something above may have submitted again, and comes last.
        this.#queue = [...queue.slice(index), ...this.#queue];
        return { granted, blocked: request };
      } else {
        this.#refuse(sink, result.reason === "not_leader" ? this.#parts.notLeader.answer() : grantStatus(result));
      }
    }
    return { granted, blocked: undefined };
  }

  /** The one place where timestamps leave. Synchronous: nothing may come between the look and the replies. */
  #settle(reign: Reign, granted: readonly Granted[]): void {
    if (granted.length === 0) return;
    const { metrics, notLeader } = this.#parts;
    if (!reign.mayAnswer()) {
      for (const { sink } of granted) this.#refuse(sink, notLeader.answer());
      return;
    }
    let issued = 0;
    for (const { grant } of granted) issued += grant.count;
    metrics.add("tsoracle.get_ts.success.total", granted.length);
    metrics.add("tsoracle.get_ts.timestamps_issued", issued);
    for (const { sink, grant } of granted) this.#grant(sink, grant);
  }

  async #confirm(reign: Reign, granted: Granted[], confirm: () => Promise<boolean>): Promise<void> {
    const { watch, notLeader } = this.#parts;
    this.#confirming = granted;
    let refusal: (() => RpcError) | undefined;
    try {
      const newest = await confirm();
      // Another reign has begun somewhere: this one can never answer again.
      if (newest !== true) watch.deposed(reign.token, undefined);
    } catch (failure) {
      const disposition = dispositionOf(failure);
      if (disposition.kind === "stepped_down") {
        watch.deposed(reign.token, disposition.fencedBy);
      } else {
        if (disposition.kind !== "transient" && !reign.ended) watch.failed(disposition.error);
        refusal = () => statusOf(disposition.error, "confirm leadership");
      }
    }
    // The end of the reign has refused them already.
    if (this.#confirming !== granted) return;
    this.#confirming = [];
    if (reign.ended) for (const { sink } of granted) this.#refuse(sink, notLeader.answer());
    else if (refusal !== undefined) for (const { sink } of granted) this.#refuse(sink, refusal());
    else this.#settle(reign, granted);
  }

  /** Waits for room for the request at the head. On failure, everything that waits behind it is told as well. */
  async #makeRoom(reign: Reign, head: Request, nowMs: number): Promise<void> {
    const { extension } = this.#parts;
    const refusal = await extension.makeRoom(reign, nowMs, head.count, (error) => this.#refuseWaiting(error));
    // The end of the reign has refused everything that waited.
    if (reign.ended) return;
    if (refusal === undefined) {
      head.exhaustedAtMs = nowMs;
      return;
    }
    this.#refuseWaiting(refusal);
  }

  #refuseWaiting(refusal: Refusal): void {
    const { notLeader } = this.#parts;
    const waiting = this.#queue;
    this.#queue = [];
    for (const { sink } of waiting) {
      if (!sink.abandoned) this.#refuse(sink, refusal === "not_leader" ? notLeader.answer() : refusal);
    }
  }

  #refuseAll(): void {
    const { notLeader } = this.#parts;
    const unanswered = [...this.#confirming.map(({ sink }) => sink), ...this.#queue.map(({ sink }) => sink)];
    this.#confirming = [];
    this.#queue = [];
    this.#asking = undefined;
    // The first refusal on a stream ends it, and with it the rest of its requests.
    for (const sink of unanswered) if (!sink.abandoned) this.#refuse(sink, notLeader.answer());
  }
  // A defect in one caller's transport must not keep the others from their answers.

  #grant(sink: GrantSink, grant: WindowGrant): void {
    try {
      sink.granted(grant);
    } catch (error) {
      this.#parts.logger.error({ error: messageOf(error) }, "an answer could not be handed over");
    }
  }

  #refuse(sink: GrantSink, refusal: RpcError): void {
    try {
      sink.refused(refusal);
    } catch (error) {
      this.#parts.logger.error({ error: messageOf(error) }, "a refusal could not be handed over");
    }
  }
}
