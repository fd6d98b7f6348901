// SPDX-License-Identifier: Apache-2.0
import { ClientError } from "./client-error.ts";
import { backoffMs, MAX_REDIRECTS_PER_CALL, MAX_REDIRECTS_PER_PASS, type RetryPolicy } from "./retry-policy.ts";
import type { Target } from "./target.ts";

/** How one attempt ended, when it did not succeed. */
export type AttemptOutcome =
  /** The server named a leader that the cache has accepted. */
  | { readonly kind: "redirect"; readonly target: Target; readonly error: ClientError }
  /** The server does not lead and knows nobody who does, or only somebody of the past. */
  | { readonly kind: "leaderless"; readonly error: ClientError }
  /** The server named a leader that cannot be followed. */
  | { readonly kind: "hint_refused"; readonly error: ClientError }
  /** Anything else. Transport failures are slept on, and tried again on the same servers. */
  | { readonly kind: "failed"; readonly transport: boolean; readonly error: ClientError };

export type RetryStep =
  | { readonly kind: "attempt"; readonly target: Target; readonly budgetMs: number }
  | { readonly kind: "sleep"; readonly ms: number }
  /** `expired` when time ran out, and a call that entered later could still go on. */
  | { readonly kind: "fail"; readonly error: ClientError; readonly expired: boolean };

/** What happened on the way, for metrics. */
export type RetryNote = "pass_redirect_cap" | "total_redirect_cap";

export interface RetryPlanOptions {
  readonly policy: RetryPolicy;
  readonly targets: readonly Target[];
  /** Asked first, at the start of each pass. */
  readonly leader: (now: number) => Target | undefined;
  readonly deadlineAt: number;
  /** Uniform in `[0, 1)`. */
  readonly random: () => number;
  readonly note?: (note: RetryNote) => void;
}

/**
 * Decides whom a call asks next, when it sleeps and when it gives up (`tsoracle-behaviour.md` 5.4).
 * Call {@link next}, do what it says, tell {@link record} how an attempt ended, and again.
 *
 * One pass asks every server once, and follows leader hints in between at no charge. A further pass
 * follows while an election is under way, until the deadline, or while all failures were the
 * transport's and attempts are left.
 */
export class RetryPlan {
  readonly #options: RetryPlanOptions;
  /** In this pass. */
  #leaderAsked = false;
  #worklist: Target[] | undefined;
  readonly #visited = new Set<string>();
  #hinted: Target | undefined;
  #sleepDue = false;
  /** Since the last attempt. */
  #slept = false;
  #sleeps = 0;
  #failures = 0;
  #attemptCap = 0;
  #passRedirects = 0;
  #totalRedirects = 0;
  #stopped: ClientError | undefined;
  #lastError: ClientError | undefined;
  #electionError: ClientError | undefined;
  #transportError: ClientError | undefined;

  constructor(options: RetryPlanOptions) {
    this.#options = options;
  }

  next(now: number): RetryStep {
    if (this.#stopped !== undefined) return { kind: "fail", error: this.#stopped, expired: false };
    const { policy, deadlineAt } = this.#options;
    const remaining = deadlineAt - now;
    if (remaining <= 0) return { kind: "fail", error: this.#verdict(true), expired: true };
    if (this.#outOfAttempts()) return { kind: "fail", error: this.#verdict(false), expired: false };
    if (this.#sleepDue) return this.#sleep(remaining);
    const target = this.#nextTarget(now);
    if (target !== undefined) {
      this.#visited.add(target.key);
      this.#slept = false;
      return { kind: "attempt", target, budgetMs: Math.min(remaining, policy.perAttemptDeadlineMs) };
    }
    if (!this.#mayPassAgain()) return { kind: "fail", error: this.#verdict(false), expired: false };
    this.#leaderAsked = false;
    this.#worklist = undefined;
    this.#visited.clear();
    this.#passRedirects = 0;
    // The sleep after the last failure of a pass is the sleep before the next pass.
    return this.#slept ? this.next(now) : this.#sleep(remaining);
  }

  record(outcome: AttemptOutcome): void {
    switch (outcome.kind) {
      case "redirect":
        this.#redirect(outcome.target, outcome.error);
        return;
      case "leaderless":
        this.#electionError = outcome.error;
        return;
      case "hint_refused":
        this.#lastError = outcome.error;
        return;
      case "failed":
        this.#failures += 1;
        if (outcome.transport) {
          this.#transportError = outcome.error;
          this.#sleepDue = true;
        } else {
          this.#lastError = outcome.error;
        }
        return;
      default:
        outcome satisfies never;
    }
  }

  #redirect(target: Target, error: ClientError): void {
    if (this.#visited.has(target.key)) {
      // A leader that was just asked in vain, or servers that name each other: nobody has settled yet.
      this.#electionError = error;
      return;
    }
    if (this.#totalRedirects >= MAX_REDIRECTS_PER_CALL) {
      this.#options.note?.("total_redirect_cap");
      this.#stopped = new ClientError("rpc", `gave up after ${MAX_REDIRECTS_PER_CALL} redirects: ${error.message}`, {
        endpoint: error.endpoint,
        grpcStatus: error.grpcStatus,
        cause: error,
      });
      return;
    }
    if (this.#passRedirects >= MAX_REDIRECTS_PER_PASS) {
      this.#options.note?.("pass_redirect_cap");
      this.#electionError = error;
      this.#leaderAsked = true;
      this.#worklist = [];
      return;
    }
    this.#totalRedirects += 1;
    this.#passRedirects += 1;
    this.#hinted = target;
  }

  #nextTarget(now: number): Target | undefined {
    const hinted = this.#hinted;
    this.#hinted = undefined;
    if (hinted !== undefined) return hinted;
    if (!this.#leaderAsked) {
      this.#leaderAsked = true;
      const leader = this.#options.leader(now);
      if (this.#attemptCap === 0) this.#attemptCap = this.#capOf(leader);
      if (leader !== undefined) return leader;
    }
    // The list is made only when the leader has failed, which most calls never see.
    this.#worklist ??= this.#makeWorklist();
    for (;;) {
      const target = this.#worklist.shift();
      if (target === undefined || !this.#visited.has(target.key)) return target;
    }
  }

  #makeWorklist(): Target[] {
    const { targets, random } = this.#options;
    const start = Math.min(Math.floor(random() * targets.length), targets.length - 1);
    return [...targets.slice(start), ...targets.slice(0, start)];
  }

  /** No setting may keep a call from asking every server once. */
  #capOf(leader: Target | undefined): number {
    const { targets, policy } = this.#options;
    const isExtra = leader !== undefined && !targets.some(({ key }) => key === leader.key);
    return Math.max(policy.maxAttempts, targets.length + (isExtra ? 1 : 0));
  }

  /** While an election is ridden out, dead servers are part of the picture: only time bounds the call then. */
  #outOfAttempts(): boolean {
    return this.#attemptCap > 0 && this.#failures >= this.#attemptCap && this.#electionError === undefined;
  }

  #mayPassAgain(): boolean {
    if (this.#electionError !== undefined) return true;
    return this.#lastError === undefined && this.#transportError !== undefined;
  }

  #sleep(remaining: number): RetryStep {
    const { policy, random } = this.#options;
    const cap = this.#electionError === undefined ? policy.maxBackoffMs : policy.maxElectionBackoffMs;
    const ms = Math.min(backoffMs(this.#sleeps, policy.baseBackoffMs, cap, random), remaining);
    this.#sleeps += 1;
    this.#sleepDue = false;
    this.#slept = true;
    return { kind: "sleep", ms };
  }

  /** A server's own words first, then the election, then the transport. */
  #verdict(expired: boolean): ClientError {
    const error = this.#lastError ?? this.#electionError ?? this.#transportError;
    if (error !== undefined) return error;
    return expired
      ? new ClientError("deadline_exceeded", "the deadline of the call passed before a server could be asked")
      : new ClientError("no_reachable_endpoints", "no server could be asked");
  }
}
