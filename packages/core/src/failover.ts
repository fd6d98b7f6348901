// SPDX-License-Identifier: Apache-2.0
import { isClockReading } from "./clock.ts";
import { CoreError } from "./core-error.ts";
import type { Epoch } from "./epoch.ts";
import { EpochGuard } from "./epoch-guard.ts";
import {
  type DriverRefusal,
  epochOfView,
  type FailoverAttempt,
  type FailoverEffect,
  type FailoverEvent,
  type FailoverOptions,
  type FailoverState,
  hintOfView,
  type LeadershipView,
  type StopReason,
} from "./failover-protocol.ts";
import { fenceBackoffMs, isFenceRetryWarning } from "./fence-backoff.ts";
import { invariant } from "./invariant.ts";
import { PHYSICAL_MS_MAX } from "./limits.ts";
import { isPhysicalMs, PHYSICAL_MS_ZERO, type PhysicalMs, physicalMs } from "./physical-ms.ts";

/**
 * The leadership-gain protocol as a pure step machine (`tsoracle-behaviour.md` 3.5):
 * clear → drain → load → floor → persist → seed → publish. It performs nothing itself: feed it one
 * event, perform the effects it returns in order, feed it their answers.
 *
 * Guarantees, for any order of events:
 * - G1: "serve" follows a drain, a load and a persist that were all asked for after the latest
 *   leadership item, which was "leader" of the epoch served.
 * - G2: between two "serve" effects there is always a "clear".
 * - G3: the floor is above the loaded high-water and every high-water seen before, and the ceiling is
 *   what the driver confirmed, at least the bound asked for.
 * - G4: "stop" is the last effect and comes once; "clear" has come before it since the last "serve".
 * - G5: each "drain" is followed by exactly one "serve" or "release_gate" before the next "drain".
 * - G6: no leadership item is lost: each is cleared for and reported at once, and the newest decides
 *   what happens next. A permanent refusal stops even when an item superseded the attempt.
 * - G7: at most one of drain, load and persist is unanswered.
 */
export class FailoverMachine {
  readonly #options: FailoverOptions;
  readonly #guard = new EpochGuard();
  #state: FailoverState = { phase: "waiting" };
  #lastToken = 0;
  /** The largest high-water that the driver ever named; a load below it has lost data. */
  #highestSeen: PhysicalMs = PHYSICAL_MS_ZERO;

  /** @throws InvariantViolation unless the advance is a non-negative integer. */
  constructor(options: FailoverOptions) {
    const advance = options.failoverAdvanceMs;
    invariant(Number.isSafeInteger(advance) && advance >= 0, `failoverAdvanceMs is an integer >= 0, got ${advance}`);
    this.#options = { failoverAdvanceMs: advance };
  }

  get state(): FailoverState {
    return this.#state;
  }

  /** Consumes one event and returns what to do about it. Synchronous; never throws. */
  step(event: FailoverEvent): readonly FailoverEffect[] {
    const state = this.#state;
    if (state.phase === "stopped") return [];
    switch (event.type) {
      case "leadership":
        return this.#onLeadership(event.view);
      case "shutdown":
        return this.#stop({ kind: "shutdown" });
      case "stream_ended":
        return this.#stop({ kind: "stream_ended" });
      case "stream_failed":
        return this.#stop({ kind: "driver", error: event.error });
      case "deposed":
        return this.#onDeposed(event.reign, event.fencedBy);
      case "drained":
        return state.phase === "draining" && state.token === event.token ? this.#onDrained(state) : [];
      case "loaded":
        return state.phase === "loading" && state.token === event.token ? this.#onLoaded(state, event) : [];
      case "persisted":
        return state.phase === "persisting" && state.token === event.token
          ? this.#onPersisted(state, event.highWater)
          : [];
      case "refused":
        return (state.phase === "loading" || state.phase === "persisting") && state.token === event.token
          ? this.#onRefused(state, event.refusal)
          : [];
      case "backoff_elapsed":
        return state.phase === "backing_off" && state.token === event.token
          ? this.#startAttempt(state.epoch, state.retries)
          : [];
      default:
        return event satisfies never;
    }
  }

  #onLeadership(view: LeadershipView): readonly FailoverEffect[] {
    try {
      this.#guard.observe(epochOfView(view));
    } catch (error) {
      return this.#stop({ kind: "contract", message: (error as CoreError).message });
    }
    const state = this.#state;
    const notice: FailoverEffect[] = [
      { type: "clear", hint: hintOfView(view) },
      { type: "report_transition", view },
    ];
    if (holdsGate(state)) {
      this.#state = { ...state, superseding: view };
      return notice;
    }
    return [...notice, ...this.#follow(view)];
  }

  /** Takes up a leadership item while nothing is under way. */
  #follow(view: LeadershipView): readonly FailoverEffect[] {
    if (view.role === "leader") return this.#startAttempt(view.epoch, 0);
    this.#state = { phase: "waiting" };
    return [];
  }

  #startAttempt(epoch: Epoch, retries: number): readonly FailoverEffect[] {
    const token = this.#nextToken();
    this.#state = { phase: "draining", epoch, token, retries };
    return [{ type: "drain", token }];
  }

  #onDrained(attempt: FailoverAttempt): readonly FailoverEffect[] {
    if (attempt.superseding !== undefined) return this.#abandon(attempt.superseding);
    const token = this.#nextToken();
    this.#state = { phase: "loading", epoch: attempt.epoch, token, retries: attempt.retries };
    return [{ type: "load", token }];
  }

  #onLoaded(attempt: FailoverAttempt, event: FailoverEvent & { type: "loaded" }): readonly FailoverEffect[] {
    const { highWater, nowMs, leases } = event;
    const lie = this.#lie("loadHighWater()", highWater, this.#highestSeen);
    if (lie !== undefined) return this.#stop({ kind: "contract", message: lie });
    this.#highestSeen = highWater;
    if (attempt.superseding !== undefined) return this.#abandon(attempt.superseding);
    if (!isClockReading(nowMs)) {
      const message = `cannot serve: expected the clock to be an integer >= 0 in milliseconds, got ${String(nowMs)}`;
      return this.#stop({ kind: "out_of_range", error: new CoreError("clock_out_of_range", message) });
    }
    const floor = Math.max(highWater + 1, nowMs);
    const requested = floor + this.#options.failoverAdvanceMs;
    if (requested > PHYSICAL_MS_MAX) {
      const message =
        `cannot serve: the first window would reach ${requested} ms, beyond ${PHYSICAL_MS_MAX} (46 bits); ` +
        `the stored high-water is ${highWater} and the clock says ${nowMs}`;
      return this.#stop({ kind: "out_of_range", error: new CoreError("physical_ms_out_of_range", message) });
    }
    const fenceFloor = physicalMs(floor);
    const atLeast = physicalMs(requested);
    const token = this.#nextToken();
    const { epoch, retries } = attempt;
    this.#state = { phase: "persisting", epoch, token, retries, fenceFloor, requested: atLeast, leases };
    return [{ type: "persist", token, atLeast, epoch }];
  }

  #onPersisted(state: FailoverState & { phase: "persisting" }, highWater: PhysicalMs): readonly FailoverEffect[] {
    const lie = this.#lie(`persistHighWater(${state.requested})`, highWater, state.requested);
    if (lie !== undefined) return this.#stop({ kind: "contract", message: lie });
    this.#highestSeen = highWater;
    if (state.superseding !== undefined) return this.#abandon(state.superseding);
    const reign = this.#nextToken();
    const { epoch, fenceFloor, leases } = state;
    this.#state = { phase: "serving", epoch, reign };
    return [{ type: "serve", reign, window: { fenceFloor, committedCeiling: highWater, epoch }, leases }];
  }

  /** What is wrong with a high-water that a driver answered, or undefined. */
  #lie(call: string, highWater: unknown, atLeast: PhysicalMs): string | undefined {
    if (!isPhysicalMs(highWater)) {
      return `${call} answered ${String(highWater)}; expected an integer from 0 to ${PHYSICAL_MS_MAX}`;
    }
    if (highWater < atLeast) {
      return `${call} answered ${highWater}, but ${atLeast} was asked for or had been durable before: data was lost`;
    }
    return undefined;
  }

  #onRefused(attempt: FailoverAttempt, refusal: DriverRefusal): readonly FailoverEffect[] {
    if (refusal.kind === "permanent") return this.#stop({ kind: "driver", error: refusal.error });
    if (attempt.superseding !== undefined) return this.#abandon(attempt.superseding);
    switch (refusal.kind) {
      case "stepped_down":
        this.#state = { phase: "waiting" };
        return [{ type: "clear", hint: { leaderEpoch: refusal.fencedBy } }, { type: "release_gate" }];
      case "transient": {
        const retries = attempt.retries + 1;
        const token = this.#nextToken();
        this.#state = { phase: "backing_off", epoch: attempt.epoch, token, retries };
        return [
          { type: "release_gate" },
          { type: "back_off", token, delayMs: fenceBackoffMs(retries) },
          { type: "report_retry", retries, warn: isFenceRetryWarning(retries), error: refusal.error },
        ];
      }
      default:
        return refusal satisfies never;
    }
  }

  /** Ends an attempt whose leadership item is no longer the newest; its call has settled. */
  #abandon(view: LeadershipView): readonly FailoverEffect[] {
    return [{ type: "release_gate" }, ...this.#follow(view)];
  }

  #onDeposed(reign: number, fencedBy: Epoch | undefined): readonly FailoverEffect[] {
    const state = this.#state;
    if (state.phase !== "serving" || state.reign !== reign) return [];
    this.#state = { phase: "waiting" };
    return [{ type: "clear", hint: { leaderEpoch: fencedBy } }];
  }

  #stop(reason: StopReason): readonly FailoverEffect[] {
    const gate: readonly FailoverEffect[] = holdsGate(this.#state) ? [{ type: "release_gate" }] : [];
    this.#state = { phase: "stopped" };
    return [{ type: "clear", hint: {} }, ...gate, { type: "stop", reason }];
  }

  #nextToken(): number {
    this.#lastToken += 1;
    return this.#lastToken;
  }
}

/** In these phases the gate is shut, and an effect is unanswered. */
function holdsGate(
  state: FailoverState,
): state is FailoverState & { readonly phase: "draining" | "loading" | "persisting" } {
  return state.phase === "draining" || state.phase === "loading" || state.phase === "persisting";
}
