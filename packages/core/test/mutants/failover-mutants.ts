// SPDX-License-Identifier: Apache-2.0
import {
  type FailoverEffect,
  type FailoverEvent,
  FailoverMachine,
  type FailoverState,
  PHYSICAL_MS_ZERO,
  physicalMs,
} from "../../src/index.ts";
import { ADVANCE_MS, type Machine } from "../failover-monitor.ts";

/** The right machine with something wrong around it. */
abstract class Around implements Machine {
  protected readonly inner: FailoverMachine = new FailoverMachine({ failoverAdvanceMs: ADVANCE_MS });

  get state(): FailoverState {
    return this.inner.state;
  }

  abstract step(event: FailoverEvent): readonly FailoverEffect[];
}

/** Keeps a leadership item back until a persist under way is over, so a superseded attempt serves. */
export class ServesWhenSuperseded extends Around {
  #kept: FailoverEvent | undefined;

  step(event: FailoverEvent): readonly FailoverEffect[] {
    const { phase } = this.inner.state;
    if (event.type === "leadership" && phase === "persisting") {
      this.#kept = event;
      return [
        { type: "clear", hint: {} },
        { type: "report_transition", view: event.view },
      ];
    }
    const effects = this.inner.step(event);
    const kept = this.#kept;
    if (kept === undefined || this.inner.state.phase === "persisting") return effects;
    this.#kept = undefined;
    return [...effects, ...this.inner.step(kept)];
  }
}

/** Forgets the gate when it stops in the middle of an attempt. */
export class LeavesGateShut extends Around {
  step(event: FailoverEvent): readonly FailoverEffect[] {
    const effects = this.inner.step(event);
    return effects.at(-1)?.type === "stop" ? effects.filter(({ type }) => type !== "release_gate") : effects;
  }
}

/** Starts a reign at the loaded high-water instead of one above it. */
export class StartsAtLoadedHighWater extends Around {
  step(event: FailoverEvent): readonly FailoverEffect[] {
    return this.inner.step(event).map((effect) => {
      if (effect.type !== "serve") return effect;
      const { window } = effect;
      return { ...effect, window: { ...window, fenceFloor: physicalMs(window.fenceFloor - 1) } };
    });
  }
}

/** Takes any answer for the one it awaits. */
export class TakesLateAnswers extends Around {
  step(event: FailoverEvent): readonly FailoverEffect[] {
    const { state } = this.inner;
    return this.inner.step("token" in event && "token" in state ? { ...event, token: state.token } : event);
  }
}

/** Ends whatever reign there is when any reign is deposed. */
export class EndsWrongReign extends Around {
  step(event: FailoverEvent): readonly FailoverEffect[] {
    const { state } = this.inner;
    return this.inner.step(
      event.type === "deposed" && state.phase === "serving" ? { ...event, reign: state.reign } : event,
    );
  }
}

/** Publishes the end before it clears. */
export class StopsBeforeClear extends Around {
  step(event: FailoverEvent): readonly FailoverEffect[] {
    const effects = this.inner.step(event);
    return effects.at(-1)?.type === "stop" ? [...effects.slice(-1), ...effects.slice(0, -1)] : effects;
  }
}

/** Serves up to what it asked for, whatever the driver confirmed. */
export class TrustsItsOwnRequest extends Around {
  step(event: FailoverEvent): readonly FailoverEffect[] {
    const { state } = this.inner;
    if (event.type !== "persisted" || state.phase !== "persisting") return this.inner.step(event);
    return this.inner.step({ ...event, highWater: state.requested });
  }
}

/** Goes on as if a load had never been: the floor follows the clock alone. */
export class IgnoresLoad extends Around {
  step(event: FailoverEvent): readonly FailoverEffect[] {
    return this.inner.step(event.type === "loaded" ? { ...event, highWater: PHYSICAL_MS_ZERO } : event);
  }
}
