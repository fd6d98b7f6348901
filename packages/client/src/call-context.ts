// SPDX-License-Identifier: Apache-2.0
import type { OutcomeContext } from "./attempt-outcome.ts";
import { type ClientMetrics, guardedMetrics } from "./client-metrics.ts";
import type { ResolvedOptions } from "./client-options.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { LeaderCache } from "./leader-cache.ts";
import { type RetryNote, RetryPlan } from "./retry-plan.ts";
import { SingleAttemptRoute } from "./single-attempt-route.ts";

/** What all calls of one client share. */
export class CallContext {
  readonly options: ResolvedOptions;
  readonly metrics: ClientMetrics;
  readonly leaders: LeaderCache;
  readonly pool: ConnectionPool;
  readonly route: SingleAttemptRoute;
  /** Aborts, with the error that callers get, when the client is closed. */
  readonly closing: AbortController = new AbortController();
  readonly #leader = (now: number) => this.leaders.fresh(now)?.target;
  readonly #note = (note: RetryNote): void => {
    this.metrics.count(
      note === "pass_redirect_cap"
        ? "tsoracle.client.leader_redirect_cap.total"
        : "tsoracle.client.leader_redirect_total_cap.total",
    );
  };

  /** @throws ClientError `invalid_options` when the certificates cannot be read. */
  constructor(options: ResolvedOptions) {
    this.options = options;
    this.metrics = guardedMetrics(options.metrics);
    this.leaders = new LeaderCache(options.retry.leaderTtlMs);
    this.route = new SingleAttemptRoute(options.targets);
    this.pool = new ConnectionPool(options.targets, options.tls, this.metrics);
  }

  plan(deadlineAt: number): RetryPlan {
    return new RetryPlan({
      policy: this.options.retry,
      targets: this.options.targets,
      leader: this.#leader,
      deadlineAt,
      random: Math.random,
      note: this.#note,
    });
  }

  outcome(now: number): OutcomeContext {
    return { leaders: this.leaders, tls: this.options.tls !== undefined, metrics: this.metrics, now };
  }
}
