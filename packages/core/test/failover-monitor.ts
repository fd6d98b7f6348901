// SPDX-License-Identifier: Apache-2.0
import {
  type Epoch,
  epoch,
  type FailoverEffect,
  type FailoverEvent,
  type FailoverState,
  type LeadershipView,
  type PhysicalMs,
  peerEndpoint,
  physicalMs,
  type StopReason,
} from "../src/index.ts";

/** What the tests need of a failover machine; mutants implement it, too. */
export interface Machine {
  readonly state: FailoverState;
  step(event: FailoverEvent): readonly FailoverEffect[];
}

/** A step that breaks one of the guarantees in the machine's documentation. */
export class GuaranteeBroken extends Error {}

function must(condition: boolean, guarantee: string): asserts condition {
  if (!condition) throw new GuaranteeBroken(guarantee);
}

type Asked =
  | { readonly type: "drain" | "load"; readonly token: number }
  | { readonly type: "persist"; readonly token: number; readonly atLeast: PhysicalMs };

export const ADVANCE_MS = 10;
const FOLLOWED: LeadershipView = { role: "follower", leaderEndpoint: peerEndpoint("other:1") };

/**
 * A shell that performs effects in memory and checks the guarantees G1 to G7 as it does. It says which
 * events may come next, so that a test can try them all.
 */
export class FailoverMonitor {
  readonly #machine: Machine;
  #asked: Asked | undefined;
  #backOff: number | undefined;
  #gateShut = false;
  #clearedSinceServe = true;
  #item: LeadershipView | undefined;
  #askedSinceItem = new Set<string>();
  /** A refusal or a deposition after the newest item: not serving is then right although the item says leader. */
  #excused = false;
  #loaded: number | undefined;
  #highestSeen = 0;
  #answeredHigh = 0;
  #oldToken: number | undefined;
  #newestEpoch = 1n;
  #reigns: number[] = [];
  stopped: StopReason | undefined;
  /** Labels of what happened, for counting coverage. */
  readonly seen: Set<string> = new Set();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The labels of all events that can come now. */
  choices(): readonly string[] {
    const labels = ["leader_same", "leader_next", "follower", "unknown", "leader_older", "shutdown", "stream_ended"];
    labels.push("stream_failed");
    if (this.#asked !== undefined) labels.push("done");
    if (this.#asked !== undefined && this.#asked.type !== "drain")
      labels.push("transient", "stepped_down", "permanent");
    if (this.#asked?.type === "persist") labels.push("done_short");
    if (this.#backOff !== undefined) labels.push("backoff_elapsed");
    if (this.#oldToken !== undefined) labels.push("late_done", "late_refusal");
    if (this.#reigns.length > 0) labels.push("deposed");
    if (this.#reigns.length > 1) labels.push("deposed_old");
    return labels;
  }

  /** Feeds the event of this label, performs what comes back and checks every guarantee. */
  play(label: string): void {
    const events = this.#events(label);
    for (const event of events) this.#feed(event, label);
  }

  feed(event: FailoverEvent): readonly FailoverEffect[] {
    return this.#feed(event, event.type);
  }

  /** What decides the future, apart from magnitudes: two equal keys have equal futures. */
  key(): string {
    const { state } = this.#machine;
    const superseding = "superseding" in state ? state.superseding : undefined;
    return JSON.stringify([
      state.phase,
      superseding?.role,
      this.#asked?.type,
      this.#backOff !== undefined,
      this.#gateShut,
      this.#clearedSinceServe,
      this.#item?.role,
      [...this.#askedSinceItem].sort(),
      this.#excused,
      this.#oldToken !== undefined,
      Math.min(this.#reigns.length, 2),
      "retries" in state ? Math.min(state.retries, 2) : 0,
      this.#newestEpoch > 1n,
      this.stopped?.kind,
    ]);
  }

  #feed(event: FailoverEvent, label: string): readonly FailoverEffect[] {
    const before = this.#machine.state;
    const silent = this.stopped !== undefined || this.#isStale(event);
    this.#account(event);
    const effects = this.#machine.step(event);
    if (silent) {
      must(effects.length === 0, `a late or unwanted ${label} has no effect`);
      this.seen.add(`silent:${label}:${before.phase}`);
      return effects;
    }
    if (event.type === "leadership") this.#checkNotice(event.view, effects);
    for (const effect of effects) this.#perform(effect);
    this.seen.add(`${before.phase}:${label}`);
    if ("superseding" in before && before.superseding !== undefined)
      this.seen.add(`superseded ${before.phase}:${label}`);
    this.#checkRest();
    return effects;
  }

  #isStale(event: FailoverEvent): boolean {
    if (event.type === "deposed") {
      const { state } = this.#machine;
      return state.phase !== "serving" || state.reign !== event.reign;
    }
    return "token" in event && event.token !== this.#asked?.token && event.token !== this.#backOff;
  }

  /** What the shell knows by having sent the event. */
  #account(event: FailoverEvent): void {
    if (this.#isStale(event)) return;
    if (event.type === "leadership") {
      this.#item = event.view;
      this.#askedSinceItem = new Set();
      this.#excused = false;
    }
    if (event.type === "loaded") {
      this.#loaded = event.highWater;
      this.#highestSeen = Math.max(this.#highestSeen, event.highWater);
    }
    if (event.type === "persisted") {
      this.#answeredHigh = event.highWater;
    }
    if (event.type === "deposed") this.#excused = true;
    if (event.type === "refused" && event.refusal.kind === "stepped_down") {
      // A refusal of a call that a newer item has superseded says nothing about that item.
      this.#excused ||= this.#askedSinceItem.has(this.#asked?.type ?? "");
    }
    if ("token" in event) {
      this.#oldToken = event.token;
      if (event.token === this.#asked?.token) this.#asked = undefined;
      if (event.token === this.#backOff) this.#backOff = undefined;
    }
  }

  #checkNotice(view: LeadershipView, effects: readonly FailoverEffect[]): void {
    must(effects[0]?.type === "clear", "G6: each leadership item is cleared for at once");
    const reported = effects.some((effect) => effect.type === "report_transition" && effect.view === view);
    const refused = effects.at(-1)?.type === "stop";
    must(reported || refused, "G6: each leadership item is reported, unless it breaks the contract");
  }

  #perform(effect: FailoverEffect): void {
    must(this.stopped === undefined, "G4: nothing follows a stop");
    switch (effect.type) {
      case "clear":
        this.#clearedSinceServe = true;
        break;
      case "drain":
        must(!this.#gateShut, "G5: a drain begins with the gate open");
        this.#gateShut = true;
        this.#ask({ type: "drain", token: effect.token });
        break;
      case "load":
        this.#ask({ type: "load", token: effect.token });
        break;
      case "persist":
        must(this.#loaded !== undefined && effect.atLeast > this.#loaded, "G3: the bound is above the loaded one");
        must(this.#item?.role === "leader" && this.#item.epoch === effect.epoch, "a persist names the newest epoch");
        this.#ask({ type: "persist", token: effect.token, atLeast: effect.atLeast });
        break;
      case "serve":
        this.#serve(effect);
        break;
      case "release_gate":
        must(this.#gateShut, "G5: a gate is released once for each drain");
        must(this.#clearedSinceServe, "whoever waited at the gate finds a cleared allocator");
        this.#gateShut = false;
        break;
      case "back_off":
        must(effect.delayMs >= 25 && effect.delayMs <= 250, "a pause is between 25 and 250 ms");
        this.#backOff = effect.token;
        break;
      case "stop":
        must(this.#clearedSinceServe, "G4: a stop comes after a clear");
        must(!this.#gateShut, "G5: a stop leaves the gate open");
        this.stopped = effect.reason;
        break;
      case "report_transition":
      case "report_retry":
        break;
      default:
        effect satisfies never;
    }
  }

  #ask(asked: Asked): void {
    must(this.#asked === undefined, "G7: one drain, load or persist at a time");
    this.#asked = asked;
    this.#askedSinceItem.add(asked.type);
    this.#backOff = undefined;
  }

  #serve(effect: FailoverEffect & { type: "serve" }): void {
    const { fenceFloor, committedCeiling, epoch: served } = effect.window;
    must(this.#item?.role === "leader" && this.#item.epoch === served, "G1: the newest item is leader of this epoch");
    for (const step of ["drain", "load", "persist"]) {
      must(this.#askedSinceItem.has(step), `G1: the ${step} was asked for after the newest item`);
    }
    must(this.#asked === undefined, "G1: nothing is unanswered when serving begins");
    must(this.#clearedSinceServe, "G2: a clear stands between two reigns");
    must(fenceFloor > this.#highestSeen, "G3: the floor is above every high-water seen before");
    must(committedCeiling === this.#answeredHigh, "G3: the ceiling is what the driver confirmed");
    must(committedCeiling >= fenceFloor + ADVANCE_MS, "G3: the ceiling is at least the bound asked for");
    must(this.#gateShut, "G5: serving opens the gate that its drain shut");
    must(!this.#reigns.includes(effect.reign), "every reign has its own token");
    this.#highestSeen = Math.max(this.#highestSeen, committedCeiling);
    this.#gateShut = false;
    this.#clearedSinceServe = false;
    this.#reigns.push(effect.reign);
    this.seen.add(`serve #${Math.min(this.#reigns.length, 2)}`);
  }

  /** What must hold once the effects of a step are performed. */
  #checkRest(): void {
    const { state } = this.#machine;
    must((state.phase === "stopped") === (this.stopped !== undefined), "a stopped machine has said so");
    if (this.stopped !== undefined) return;
    const busy = this.#asked !== undefined || this.#backOff !== undefined;
    must(this.#gateShut === (this.#asked !== undefined), "the gate is shut exactly while an attempt is under way");
    if (busy) return;
    const shouldServe = this.#item?.role === "leader" && !this.#excused;
    must((state.phase === "serving") === shouldServe, "G6: the newest item decides what happens");
    must(this.#clearedSinceServe === !shouldServe, "only a serving node is not cleared");
  }

  #events(label: string): readonly FailoverEvent[] {
    const asked = this.#asked;
    const old = this.#oldToken ?? -1;
    switch (label) {
      case "leader_same":
        return [leader(this.#newestEpoch)];
      case "leader_next":
        this.#newestEpoch += 1n;
        return [leader(this.#newestEpoch)];
      case "leader_older":
        return this.#item === undefined || this.#item.role !== "leader" ? [] : [leader(this.#item.epoch - 1n)];
      case "follower":
        return [{ type: "leadership", view: FOLLOWED }];
      case "unknown":
        return [{ type: "leadership", view: { role: "unknown" } }];
      case "shutdown":
      case "stream_ended":
        return [{ type: label }];
      case "stream_failed":
        return [{ type: "stream_failed", error: new Error("stream") }];
      case "done":
        return asked === undefined ? [] : [this.#answer(asked)];
      case "done_short":
        return asked?.type === "persist"
          ? [{ type: "persisted", token: asked.token, highWater: physicalMs(asked.atLeast - 1) }]
          : [];
      case "transient":
      case "permanent":
        return asked === undefined
          ? []
          : [{ type: "refused", token: asked.token, refusal: { kind: label, error: new Error(label) } }];
      case "stepped_down":
        return asked === undefined
          ? []
          : [{ type: "refused", token: asked.token, refusal: { kind: label, fencedBy: undefined } }];
      case "backoff_elapsed":
        return [{ type: "backoff_elapsed", token: this.#backOff ?? -1 }];
      case "late_done":
        return [
          { type: "drained", token: old },
          { type: "loaded", token: old, highWater: physicalMs(1), leases: [], nowMs: 0 },
          { type: "persisted", token: old, highWater: physicalMs(1_000_000) },
          { type: "backoff_elapsed", token: old },
        ];
      case "late_refusal":
        return [{ type: "refused", token: old, refusal: { kind: "permanent", error: new Error("late") } }];
      case "deposed":
        return [{ type: "deposed", reign: this.#reigns.at(-1) ?? -1 }];
      case "deposed_old":
        return [{ type: "deposed", reign: this.#reigns.at(-2) ?? -1 }];
      default:
        throw new Error(`no event is called ${label}`);
    }
  }

  #answer(asked: Asked): FailoverEvent {
    switch (asked.type) {
      case "drain":
        return { type: "drained", token: asked.token };
      case "load":
        return {
          type: "loaded",
          token: asked.token,
          highWater: physicalMs(this.#highestSeen + 5),
          leases: [],
          nowMs: this.#highestSeen,
        };
      case "persist":
        return { type: "persisted", token: asked.token, highWater: physicalMs(asked.atLeast + 3) };
      default:
        return asked satisfies never;
    }
  }
}

function leader(value: bigint): FailoverEvent {
  const served: Epoch = epoch(value);
  return { type: "leadership", view: { role: "leader", epoch: served } };
}
