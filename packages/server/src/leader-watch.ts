// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, Tenure } from "@tsoracle/consensus";
import {
  type Clock,
  type DriverRefusal,
  type Epoch,
  type FailoverEffect,
  type FailoverEvent,
  FailoverMachine,
  isPhysicalMs,
  type LeaseRecord,
  type PhysicalMs,
} from "@tsoracle/core";
import { dispositionOf } from "./classify.ts";
import { faultOf, messageOf, ServerFault } from "./finish.ts";
import type { Gate } from "./gate.ts";
import type { Logger } from "./logger.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { ServingCore } from "./serving-core.ts";
import type { Timers } from "./timers.ts";

export interface LeaderWatchParts {
  readonly driver: ConsensusDriver;
  readonly core: ServingCore;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  readonly failoverAdvanceMs: number;
  /** Called once, after serving has stopped; undefined for an orderly stop. */
  readonly onStop: (fault: ServerFault | undefined) => void;
}

/**
 * Performs the failover protocol of the core against a driver: one task per server, one driver call
 * at a time. Whatever goes wrong in it ends serving first and is reported second.
 */
export class LeaderWatch {
  readonly #parts: LeaderWatchParts;
  readonly #machine: FailoverMachine;
  readonly #abort = new AbortController();
  readonly #queue: FailoverEvent[] = [];
  #stepping = false;
  #stopped = false;
  /** Of the newest leader item; a serve effect always follows the newest item. */
  #elected: { readonly epoch: Epoch; readonly tenure: Tenure | undefined; readonly sinceMs: number } | undefined;
  #lastTransitionMs: number;
  #watching: Promise<void> | undefined;
  #call: Promise<void> = Promise.resolve();

  constructor(parts: LeaderWatchParts) {
    this.#parts = parts;
    this.#machine = new FailoverMachine({ failoverAdvanceMs: parts.failoverAdvanceMs });
    this.#lastTransitionMs = parts.timers.monotonicMs();
  }

  /** Milliseconds since the last leadership item, or since the start. */
  get lastTransitionAgeMs(): number {
    return this.#parts.timers.monotonicMs() - this.#lastTransitionMs;
  }

  /** Starts to follow the driver. Idempotent. */
  start(): void {
    if (this.#stopped) return;
    this.#watching ??= this.#watch();
  }

  /** A driver call outside the protocol was told that this reign is over. Serving has stopped when this returns. */
  deposed(reign: number, fencedBy: Epoch | undefined): void {
    this.#dispatch({ type: "deposed", reign, fencedBy });
  }

  /** A failure after which serving on would be a guess. Serving has stopped when this returns. */
  failed(error: unknown): void {
    this.#dispatch({ type: "stream_failed", error });
  }

  /** Stops serving before it returns. The leadership stream goes on until {@link LeaderWatch.close}. */
  stop(): void {
    this.#dispatch({ type: "shutdown" });
  }

  /** Ends the leadership stream; resolves when it and the call under way have ended. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#watching;
    await this.#call;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#abort;
    try {
      for await (const item of this.#parts.driver.leadershipEvents({ signal })) {
        if (this.#stopped) continue;
        this.#lastTransitionMs = this.#parts.timers.monotonicMs();
        if (item.role === "leader") {
          this.#elected = { epoch: item.epoch, tenure: item.tenure, sinceMs: this.#lastTransitionMs };
          const missing = this.#missingTenure(item.tenure);
          if (missing !== undefined) throw new ServerFault("driver_contract", missing);
        }
        this.#dispatch({ type: "leadership", view: item });
      }
      if (!signal.aborted) this.#dispatch({ type: "stream_ended" });
    } catch (error) {
      if (!signal.aborted) this.#dispatch({ type: "stream_failed", error });
    }
  }

  /** Without its tenure, a leader that was paused would answer late and nobody would notice. */
  #missingTenure(tenure: Tenure | undefined): string | undefined {
    const { realTimeOrder } = this.#parts.driver.capabilities;
    if (realTimeOrder === "lease" && tenure === undefined)
      return 'realTimeOrder "lease" needs a tenure with each reign';
    if (realTimeOrder === "confirm" && tenure?.confirm === undefined) {
      return 'realTimeOrder "confirm" needs a tenure with confirm() with each reign';
    }
    return undefined;
  }

  /** Steps the machine. Events that come while effects are performed wait for their turn. */
  #dispatch(event: FailoverEvent): void {
    this.#queue.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const effect of this.#machine.step(next)) this.#perform(effect);
      }
    } catch (error) {
      this.#panic(error);
    } finally {
      this.#stepping = false;
    }
  }

  /** A defect, here or in a listener: nothing may go on being served. */
  #panic(error: unknown): void {
    this.#queue.length = 0;
    this.#machine.step({ type: "shutdown" });
    try {
      this.#parts.core.clear({});
    } catch {
      // The reign was over before the listener that fails again was told.
    }
    this.#finish(new ServerFault("internal", `a defect stopped the server: ${messageOf(error)}`, error));
  }

  #finish(fault: ServerFault | undefined): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#parts.onStop(fault);
  }

  #perform(effect: FailoverEffect): void {
    const { core, gate, timers } = this.#parts;
    switch (effect.type) {
      case "clear":
        core.clear(effect.hint);
        return;
      case "drain":
        this.#answer(gate.close().then(() => ({ type: "drained", token: effect.token })));
        return;
      case "load":
        this.#answer(this.#load(effect.token));
        return;
      case "persist":
        this.#answer(this.#persist(effect.token, effect.atLeast, effect.epoch));
        return;
      case "serve":
        this.#serve(effect);
        return;
      case "release_gate":
        gate.open();
        return;
      case "back_off":
        timers.after(effect.delayMs, () => this.#dispatch({ type: "backoff_elapsed", token: effect.token }));
        return;
      case "report_transition":
      case "report_retry":
        this.#report(effect);
        return;
      case "stop": {
        const { reason } = effect;
        const fault = reason.kind === "driver" && reason.error instanceof ServerFault ? reason.error : faultOf(reason);
        this.#finish(fault);
        return;
      }
      default:
        effect satisfies never;
    }
  }

  #answer(event: Promise<FailoverEvent>): void {
    this.#call = event.then(
      (settled) => this.#dispatch(settled),
      (error: unknown) => this.#dispatch({ type: "stream_failed", error }),
    );
  }

  #serve(effect: FailoverEffect & { type: "serve" }): void {
    const { core, gate, clock, timers, metrics, logger } = this.#parts;
    const elected = this.#elected;
    if (elected?.epoch !== effect.window.epoch) throw new Error("a reign is served that the driver did not name last");
    core.serve({
      token: effect.reign,
      window: effect.window,
      leases: effect.leases,
      tenure: elected.tenure,
      nowMs: clock.nowMs(),
    });
    gate.open();
    const seconds = (timers.monotonicMs() - elected.sinceMs) / 1_000;
    metrics.observe("tsoracle.leader_transition.fence_latency", seconds);
    logger.info({ epoch: String(effect.window.epoch), fenceSeconds: seconds }, "serving");
  }

  async #load(token: number): Promise<FailoverEvent> {
    try {
      const highWater = await this.#parts.driver.loadHighWater();
      if (!isPhysicalMs(highWater)) {
        throw new ServerFault(
          "driver_contract",
          `loadHighWater() answered ${String(highWater)}, not 46-bit milliseconds`,
        );
      }
      const leases = await this.#loadLeases();
      return { type: "loaded", token, highWater, leases, nowMs: this.#parts.clock.nowMs() };
    } catch (error) {
      return { type: "refused", token, refusal: refusalOf(error) };
    }
  }

  /** A store without leases, or one where they are not active yet, holds none. */
  async #loadLeases(): Promise<readonly LeaseRecord[]> {
    try {
      return (await this.#parts.driver.leases?.load()) ?? [];
    } catch (error) {
      const disposition = dispositionOf(error);
      if (disposition.kind === "refused" && disposition.error.code === "leases_not_activated") return [];
      throw error;
    }
  }

  async #persist(token: number, atLeast: PhysicalMs, epoch: Epoch): Promise<FailoverEvent> {
    try {
      const highWater = await this.#parts.driver.persistHighWater(atLeast, epoch);
      if (!isPhysicalMs(highWater)) {
        throw new ServerFault("driver_contract", `persistHighWater(${atLeast}) answered ${String(highWater)}`);
      }
      return { type: "persisted", token, highWater };
    } catch (error) {
      return { type: "refused", token, refusal: refusalOf(error) };
    }
  }

  #report(effect: FailoverEffect & { type: "report_transition" | "report_retry" }): void {
    const { metrics, logger } = this.#parts;
    if (effect.type === "report_transition") {
      metrics.add("tsoracle.leader_transition.total");
      logger.info({ role: effect.view.role }, "leadership changed");
      return;
    }
    metrics.add("tsoracle.leader_transition.fence_transient_retries.total");
    const fields = { retries: effect.retries, error: messageOf(effect.error) };
    if (effect.warn) logger.warn(fields, "taking up leadership keeps failing");
    else logger.debug(fields, "taking up leadership failed and is retried");
  }
}

function refusalOf(failure: unknown): DriverRefusal {
  if (failure instanceof ServerFault) return { kind: "permanent", error: failure };
  const disposition = dispositionOf(failure);
  switch (disposition.kind) {
    case "stepped_down":
      return { kind: "stepped_down", fencedBy: disposition.fencedBy };
    case "transient":
      return { kind: "transient", error: disposition.error };
    case "permanent":
    case "refused":
      return { kind: "permanent", error: disposition.error };
    default:
      return disposition satisfies never;
  }
}
