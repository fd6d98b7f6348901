// SPDX-License-Identifier: Apache-2.0
import { messageOf } from "./finish.ts";
import type { LeaderWatch } from "./leader-watch.ts";
import type { Logger } from "./logger.ts";
import type { CounterName, ServerMetrics } from "./metrics.ts";
import type { StateCell } from "./serving-state.ts";
import type { Timers } from "./timers.ts";

export interface HeartbeatParts {
  readonly state: StateCell;
  readonly watch: Pick<LeaderWatch, "lastTransitionAgeMs">;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  readonly timers: Timers;
  /** Zero turns it off. */
  readonly intervalMs: number;
}

const DELTAS = {
  requests: "tsoracle.get_ts.requests.total",
  ts_issued: "tsoracle.get_ts.timestamps_issued",
  not_leader: "tsoracle.not_leader.total",
  transitions: "tsoracle.leader_transition.total",
  fence_retries: "tsoracle.leader_transition.fence_transient_retries.total",
} as const satisfies Record<string, CounterName>;

/** One log event per interval that says what happened since the last one (`tsoracle-behaviour.md` 3.7). */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  readonly #startedMs: number;
  #last: Readonly<Record<CounterName, number>>;
  #cancel: (() => void) | undefined;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    this.#startedMs = parts.timers.monotonicMs();
    this.#last = parts.metrics.snapshot().counters;
    this.#schedule();
  }

  stop(): void {
    this.#cancel?.();
  }

  #schedule(): void {
    const { timers, intervalMs, metrics, logger } = this.#parts;
    if (intervalMs === 0) return;
    this.#cancel = timers.after(intervalMs, () => {
      this.#schedule();
      try {
        this.#beat();
      } catch (error) {
        metrics.add("tsoracle.heartbeat.task_panicked.total");
        logger.error({ error: messageOf(error) }, "the heartbeat failed");
      }
    });
  }

  #beat(): void {
    const { state, watch, metrics, logger, timers } = this.#parts;
    const { counters } = metrics.snapshot();
    const deltas = Object.fromEntries(
      Object.entries(DELTAS).map(([field, name]) => [field, counters[name] - this.#last[name]]),
    );
    this.#last = counters;
    const { current } = state;
    logger.info(
      {
        target: "tsoracle::heartbeat",
        uptime_secs: Math.floor((timers.monotonicMs() - this.#startedMs) / 1_000),
        serving: current.kind === "serving",
        epoch: current.kind === "serving" ? String(current.epoch) : undefined,
        requests_total: counters["tsoracle.get_ts.requests.total"],
        last_transition_age_secs: Math.floor(watch.lastTransitionAgeMs / 1_000),
        ...deltas,
      },
      "heartbeat",
    );
  }
}
