// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver } from "@tsoracle/consensus";
import { type CommitResult, type ExtensionResult, fenceBackoffMs, isPhysicalMs, type PhysicalMs } from "@tsoracle/core";
import { dispositionOf, outOfRange, statusOf } from "./classify.ts";
import { messageOf, ServerFault } from "./finish.ts";
import type { Gate, Slot } from "./gate.ts";
import type { LeaderWatch } from "./leader-watch.ts";
import type { Logger } from "./logger.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { Reign } from "./reign.ts";
import type { ServingCore } from "./serving-core.ts";
import { Code, RpcError } from "./status.ts";
import type { Timers } from "./timers.ts";

export interface ExtensionParts {
  readonly driver: ConsensusDriver;
  readonly core: ServingCore;
  readonly gate: Gate;
  /** Held for every change of the high-water or the leases. */
  readonly slot: Slot;
  readonly watch: Pick<LeaderWatch, "deposed" | "failed">;
  readonly timers: Timers;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  readonly windowAheadMs: number;
}

/** What an attempt to raise the high-water came to. */
export type RaiseResult =
  | { readonly ok: true; readonly persisted: PhysicalMs; readonly commit: CommitResult }
  | { readonly ok: false; readonly refusal: Refusal };

/** Told, in the same turn, the status of a failure that is about to stop the server. */
export type BeforeStop = (refusal: RpcError) => void;

/** Why there is none. A NOT_LEADER answer is made by whoever answers, once per request. */
export type Refusal = "not_leader" | RpcError;

/**
 * Moves the high-water ahead of what is handed out. Driver calls belong to the server: nothing that
 * a client does ends one early, and slot and gate are held until it has settled.
 */
export class Extension {
  readonly #parts: ExtensionParts;
  #failures = 0;
  /** Monotonic milliseconds before which no background extension is tried again. */
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(parts: ExtensionParts) {
    this.#parts = parts;
  }

  /**
   * Makes room for a request that found the window used up; undefined when there may be room now.
   * Requests that come meanwhile share the result: who is next in the slot looks again first.
   */
  makeRoom(reign: Reign, nowMs: number, count: number, beforeStop: BeforeStop): Promise<Refusal | undefined> {
    return this.#parts.slot.run(async () => {
      if (reign.ended) return "not_leader";
      if (reign.allocator.wouldGrant(nowMs, count)) return undefined;
      const plan = reign.allocator.prepareWindowExtension(nowMs, this.#parts.windowAheadMs);
      const raised = await this.raise(reign, plan, beforeStop);
      return raised.ok ? undefined : raised.refusal;
    });
  }

  /**
   * Extends early, if less than half of the window is left and nobody is extending. Never waits and
   * never fails a request; a failed attempt is repeated with growing pauses.
   */
  inBackground(reign: Reign, nowMs: number): void {
    const { slot, timers, windowAheadMs } = this.#parts;
    if (slot.taken || reign.ended || timers.monotonicMs() < this.#notBefore) return;
    const plan = reign.allocator.prepareBackgroundExtension(nowMs, windowAheadMs);
    if (plan === undefined || !plan.ok) return;
    void slot.run(async () => {
      if (!reign.ended) this.#pace(await this.raise(reign, plan));
    });
  }

  /** Persists a planned bound and takes it over. The caller holds the slot. Never rejects. */
  async raise(reign: Reign, plan: ExtensionResult, beforeStop?: BeforeStop): Promise<RaiseResult> {
    const { driver, gate, timers, metrics } = this.#parts;
    if (!plan.ok) return { ok: false, refusal: unplanned(plan) };
    if (!gate.enter()) return { ok: false, refusal: "not_leader" };
    const startedMs = timers.monotonicMs();
    try {
      const persisted = await driver.persistHighWater(plan.atLeast, plan.epoch);
      if (!isPhysicalMs(persisted)) {
        const message = `persistHighWater(${plan.atLeast}) answered ${String(persisted)}, not 46-bit milliseconds`;
        throw new ServerFault("driver_contract", message);
      }
      metrics.observe("tsoracle.window.extension_latency", (timers.monotonicMs() - startedMs) / 1_000);
      return { ok: true, persisted, commit: this.#commit(reign, persisted) };
    } catch (failure) {
      return { ok: false, refusal: this.#refused(reign, failure, beforeStop) };
    } finally {
      gate.leave();
    }
  }

  #commit(reign: Reign, persisted: PhysicalMs): CommitResult {
    const { metrics } = this.#parts;
    const commit = reign.allocator.commitWindowExtension(persisted, reign.epoch);
    metrics.add("tsoracle.window.extensions.total");
    if (commit.outcome === "ignored") metrics.add(`tsoracle.window.extensions.ignored.${commit.reason}.total`);
    return commit;
  }

  /** Ends the reign where the failure says so, and says what the request is told. */
  #refused(reign: Reign, failure: unknown, beforeStop: BeforeStop | undefined): Refusal {
    const { watch, logger } = this.#parts;
    const disposition =
      failure instanceof ServerFault ? ({ kind: "permanent", error: failure } as const) : dispositionOf(failure);
    if (disposition.kind === "stepped_down") {
      watch.deposed(reign.token, disposition.fencedBy);
      return "not_leader";
    }
    const { error } = disposition;
    logger.warn({ error: messageOf(error) }, "extending the window failed");
    const refusal =
      error instanceof ServerFault
        ? new RpcError(Code.INTERNAL, `persist: ${error.message}`)
        : statusOf(error, "persist");
    if (disposition.kind !== "transient" && !reign.ended) {
      beforeStop?.(refusal);
      watch.failed(error);
    }
    return refusal;
  }

  #pace(raised: RaiseResult): void {
    const { core, timers } = this.#parts;
    if (raised.ok || core.reign === undefined) {
      this.#failures = 0;
      this.#notBefore = Number.NEGATIVE_INFINITY;
      return;
    }
    this.#failures += 1;
    this.#notBefore = timers.monotonicMs() + fenceBackoffMs(this.#failures);
  }
}

function unplanned(plan: ExtensionResult & { ok: false }): Refusal {
  switch (plan.reason) {
    case "not_leader":
      return "not_leader";
    case "clock_out_of_range":
      return outOfRange(plan.nowMs);
    case "physical_ms_out_of_range":
      return outOfRange(plan.physicalMs);
    default:
      return plan satisfies never;
  }
}
