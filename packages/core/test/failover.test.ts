// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import {
  CoreError,
  epoch,
  type FailoverEffect,
  type FailoverEvent,
  FailoverMachine,
  fenceBackoffMs,
  type LeadershipView,
  PHYSICAL_MS_MAX,
  type PhysicalMs,
  peerEndpoint,
  physicalMs,
} from "../src/index.ts";

const leader = (value: bigint): LeadershipView => ({ role: "leader", epoch: epoch(value) });
const follower: LeadershipView = { role: "follower", leaderEndpoint: peerEndpoint("b:1"), leaderEpoch: epoch(9n) };
const boom = new Error("boom");

/** A machine with a short hand for playing the shell. */
class Play {
  readonly machine = new FailoverMachine({ failoverAdvanceMs: 1_000 });
  effects: readonly FailoverEffect[] = [];
  readonly names: string[] = [];

  send(event: FailoverEvent): this {
    this.effects = this.machine.step(event);
    this.names.push(...this.effects.map(({ type }) => type));
    return this;
  }

  item(view: LeadershipView): this {
    return this.send({ type: "leadership", view });
  }

  get token(): number {
    const { state } = this.machine;
    return "token" in state ? state.token : -1;
  }

  drained(): this {
    return this.send({ type: "drained", token: this.token });
  }

  loaded(highWater: number, nowMs = 0): this {
    return this.send({ type: "loaded", token: this.token, highWater: highWater as PhysicalMs, leases: [], nowMs });
  }

  persisted(highWater: number): this {
    return this.send({ type: "persisted", token: this.token, highWater: highWater as PhysicalMs });
  }

  refused(kind: "transient" | "permanent"): this {
    return this.send({ type: "refused", token: this.token, refusal: { kind, error: boom } });
  }

  serving(highWater = 100): this {
    return this.item(leader(1n))
      .drained()
      .loaded(highWater)
      .persisted(highWater + 1_001);
  }

  /** The names of the last step's effects. */
  get last(): readonly string[] {
    return this.effects.map(({ type }) => type);
  }
}

describe("FailoverMachine gaining leadership", () => {
  it("clears, drains, loads, persists and serves, in this order", () => {
    expect(new Play().serving().names).toEqual(["clear", "report_transition", "drain", "load", "persist", "serve"]);
  });

  it("starts one above the loaded high-water when the clock is behind", () => {
    const play = new Play().item(leader(1n)).drained().loaded(100, 50);
    expect(play.effects).toMatchObject([{ type: "persist", atLeast: 1_101, epoch: 1n }]);
    play.persisted(1_200);
    expect(play.effects).toMatchObject([
      { type: "serve", window: { fenceFloor: 101, committedCeiling: 1_200, epoch: 1n }, leases: [] },
    ]);
  });

  it("starts at the clock when that is ahead, and not an advance above the old high-water", () => {
    const play = new Play().item(leader(1n)).drained().loaded(100, 5_000);
    expect(play.effects).toMatchObject([{ type: "persist", atLeast: 6_000 }]);
  });

  it("hands the loaded leases on to serving", () => {
    const lease = {
      leaseId: 1n,
      holder: Uint8Array.of(1),
      holderEpoch: 1n,
      ttlMs: 1n,
      tsUpperBound: 1n,
      expiresAtMs: 1n,
      superseded: false,
    };
    const play = new Play().item(leader(1n)).drained();
    play.send({ type: "loaded", token: play.token, highWater: physicalMs(1), leases: [lease], nowMs: 1 });
    expect(play.persisted(5_000).effects).toMatchObject([{ type: "serve", leases: [lease] }]);
  });
});

describe("FailoverMachine losing leadership", () => {
  it("clears with the leader's address for a follower, with nothing for unknown", () => {
    expect(new Play().serving().item(follower).effects[0]).toEqual({
      type: "clear",
      hint: { leaderEndpoint: "b:1", leaderEpoch: 9n },
    });
    expect(new Play().serving().item({ role: "unknown" }).effects[0]).toEqual({ type: "clear", hint: {} });
  });

  it("clears when a call of this reign was fenced, and waits for the next item", () => {
    const play = new Play().serving();
    const { state } = play.machine;
    if (state.phase !== "serving") throw new Error("not serving");
    play.send({ type: "deposed", reign: state.reign, fencedBy: epoch(2n) });
    expect(play.effects).toEqual([{ type: "clear", hint: { leaderEpoch: 2n } }]);
    expect(play.machine.state.phase).toBe("waiting");
  });

  it("does not take a late refusal of an earlier reign of the same epoch for one of this reign", () => {
    const play = new Play().serving();
    const first = play.machine.state;
    play.item({ role: "unknown" }).serving(2_000);
    const second = play.machine.state;
    if (first.phase !== "serving" || second.phase !== "serving") throw new Error("not serving");
    expect(first.epoch).toBe(second.epoch);
    expect(play.send({ type: "deposed", reign: first.reign }).effects).toEqual([]);
    expect(play.machine.state).toEqual(second);
  });

  it("waits for the next item when the store has moved on", () => {
    const play = new Play().item(leader(1n)).drained();
    play.send({ type: "refused", token: play.token, refusal: { kind: "stepped_down", fencedBy: epoch(3n) } });
    expect(play.effects).toEqual([{ type: "clear", hint: { leaderEpoch: 3n } }, { type: "release_gate" }]);
    expect(play.machine.state.phase).toBe("waiting");
  });
});

describe("FailoverMachine and transient failures", () => {
  it("waits 25, 50, 100, 200 and then 250 ms, for ever", () => {
    expect([1, 2, 3, 4, 5, 6, 1_000_000].map(fenceBackoffMs)).toEqual([25, 50, 100, 200, 250, 250, 250]);
  });

  it("opens the gate while it waits, and begins again with the drain", () => {
    const play = new Play().item(leader(1n)).drained().refused("transient");
    expect(play.last).toEqual(["release_gate", "back_off", "report_retry"]);
    expect(play.send({ type: "backoff_elapsed", token: play.token }).last).toEqual(["drain"]);
  });

  it("warns at retry 8 and every 20 after it, and never gives up", () => {
    const play = new Play().item(leader(1n));
    const warned: number[] = [];
    for (let retry = 1; retry <= 70; retry += 1) {
      play.drained().refused("transient");
      const report = play.effects.find((effect) => effect.type === "report_retry");
      if (report?.warn) warned.push(report.retries);
      play.send({ type: "backoff_elapsed", token: play.token });
    }
    expect(warned).toEqual([8, 28, 48, 68]);
  });

  it("counts from one again for a new leadership item, which ends the pause at once", () => {
    const play = new Play().item(leader(1n)).drained().refused("transient");
    expect(play.item(leader(2n)).last).toEqual(["clear", "report_transition", "drain"]);
    play.drained().refused("transient");
    expect(play.effects).toContainEqual({ type: "report_retry", retries: 1, warn: false, error: boom });
  });
});

describe("FailoverMachine and items that come during a call", () => {
  it("lets the call settle and then follows the newest item only", () => {
    const play = new Play().item(leader(1n)).drained().loaded(100);
    expect(play.item(follower).last).toEqual(["clear", "report_transition"]);
    expect(play.item(leader(10n)).last).toEqual(["clear", "report_transition"]);
    expect(play.persisted(5_000).last).toEqual(["release_gate", "drain"]);
    expect(play.machine.state).toMatchObject({ phase: "draining", epoch: 10n, retries: 0 });
  });

  it("never serves from an attempt that a follower item superseded", () => {
    const play = new Play().item(leader(1n)).drained().loaded(100).item(follower).persisted(5_000);
    expect(play.last).toEqual(["release_gate"]);
    expect(play.machine.state.phase).toBe("waiting");
  });
});

describe("FailoverMachine stopping", () => {
  it("stops for a permanent failure, also of an attempt that was superseded", () => {
    const plain = new Play().item(leader(1n)).drained().refused("permanent");
    expect(plain.effects).toEqual([
      { type: "clear", hint: {} },
      { type: "release_gate" },
      { type: "stop", reason: { kind: "driver", error: boom } },
    ]);
    expect(new Play().item(leader(1n)).drained().item(follower).refused("permanent").last).toContain("stop");
  });

  it.each([
    ["waiting", new Play(), ["clear", "stop"]],
    ["draining", new Play().item(leader(1n)), ["clear", "release_gate", "stop"]],
    ["loading", new Play().item(leader(1n)).drained(), ["clear", "release_gate", "stop"]],
    ["persisting", new Play().item(leader(1n)).drained().loaded(1), ["clear", "release_gate", "stop"]],
    ["backing_off", new Play().item(leader(1n)).drained().refused("transient"), ["clear", "stop"]],
    ["serving", new Play().serving(), ["clear", "stop"]],
  ] as const)("opens the gate if it holds it when shutdown comes while %s", (phase, play, expected) => {
    expect(play.machine.state.phase).toBe(phase);
    expect(play.send({ type: "shutdown" }).last).toEqual(expected);
  });

  it("stops when the leadership stream ends or fails: a node that hears nothing must not serve", () => {
    expect(new Play().serving().send({ type: "stream_ended" }).effects.at(-1)).toEqual({
      type: "stop",
      reason: { kind: "stream_ended" },
    });
    expect(new Play().serving().send({ type: "stream_failed", error: boom }).effects.at(-1)).toEqual({
      type: "stop",
      reason: { kind: "driver", error: boom },
    });
  });

  it("stops when epochs go back", () => {
    const play = new Play().serving().item(follower).item(leader(3n));
    expect(play.effects.at(-1)).toMatchObject({ type: "stop", reason: { kind: "contract" } });
  });

  it.each([Number.NaN, -1, 0.5, PHYSICAL_MS_MAX + 1, 5n, "5", undefined])(
    "stops when a driver answers %s for a high-water",
    (answer) => {
      const load = new Play()
        .item(leader(1n))
        .drained()
        .loaded(answer as number);
      expect(load.effects.at(-1)).toMatchObject({ type: "stop", reason: { kind: "contract" } });
      const persist = new Play()
        .item(leader(1n))
        .drained()
        .loaded(1)
        .persisted(answer as number);
      expect(persist.effects.at(-1)).toMatchObject({ type: "stop", reason: { kind: "contract" } });
    },
  );

  it("stops when a persist is answered with less than was asked for", () => {
    const play = new Play().item(leader(1n)).drained().loaded(100).persisted(1_100);
    expect(play.effects.at(-1)).toMatchObject({ type: "stop", reason: { kind: "contract" } });
  });

  it("stops when a load has lost what was confirmed before", () => {
    const play = new Play().serving(100).item(leader(2n)).drained().loaded(1_100);
    expect(play.effects.at(-1)).toMatchObject({ type: "stop", reason: { kind: "contract" } });
    expect(new Play().serving(100).item(leader(2n)).drained().loaded(1_101).last).toEqual(["persist"]);
  });

  it.each([Number.NaN, 0.5, -1, Number.POSITIVE_INFINITY])("stops and never throws when the clock says %d", (nowMs) => {
    const play = new Play().item(leader(1n)).drained().loaded(1, nowMs);
    const stop = play.effects.at(-1);
    if (stop?.type !== "stop" || stop.reason.kind !== "out_of_range") throw new Error("did not stop");
    expect(stop.reason.error).toBeInstanceOf(CoreError);
    expect(stop.reason.error.code).toBe("clock_out_of_range");
  });

  it.each([
    [PHYSICAL_MS_MAX, 0],
    [PHYSICAL_MS_MAX - 1_000, 0],
    [1, PHYSICAL_MS_MAX],
    [1, Number.MAX_SAFE_INTEGER],
  ])("stops before it writes a window beyond 46 bits: high-water %i, clock %i", (highWater, nowMs) => {
    const play = new Play().item(leader(1n)).drained().loaded(highWater, nowMs);
    expect(play.names).not.toContain("persist");
    expect(play.effects.at(-1)).toMatchObject({ type: "stop", reason: { kind: "out_of_range" } });
  });

  it("may use the very last window", () => {
    const play = new Play()
      .item(leader(1n))
      .drained()
      .loaded(PHYSICAL_MS_MAX - 1_001);
    expect(play.effects).toMatchObject([{ type: "persist", atLeast: PHYSICAL_MS_MAX }]);
  });

  it.each([-1, 0.5, Number.NaN])("refuses an advance of %d when it is made", (failoverAdvanceMs) => {
    expect(() => new FailoverMachine({ failoverAdvanceMs })).toThrow("failoverAdvanceMs");
  });
});
