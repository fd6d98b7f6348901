// SPDX-License-Identifier: Apache-2.0
import { type Call, HistoryChecker, type HistoryReport } from "@tsoracle/conformance/checker";
import type { ConsensusDriver, LeaderState } from "@tsoracle/consensus";
import { MemoryStore } from "@tsoracle/consensus/memory";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GrantSink } from "../src/grant-desk.ts";
import { resolveOptions } from "../src/options.ts";
import { Oracle } from "../src/oracle.ts";
import { Reign } from "../src/reign.ts";
import { ManualClock, ManualTimers, settle } from "./support/manual-time.ts";

/** A driver whose leadership news arrives only when the node is not paused: the node is the last to know. */
class Pausable {
  readonly driver: ConsensusDriver;
  #resume: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(inner: ConsensusDriver) {
    const running = (): Promise<void> => this.#running;
    async function* news(options: { readonly signal: AbortSignal }): AsyncGenerator<LeaderState> {
      for await (const item of inner.leadershipEvents(options)) {
        await running();
        yield item;
      }
    }
    this.driver = new Proxy(inner, {
      get: (target, name) => {
        if (name === "leadershipEvents") return news;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  toggle(): void {
    if (this.#resume === undefined) {
      this.#running = new Promise((resolve) => {
        this.#resume = resolve;
      });
    } else {
      this.#resume();
      this.#resume = undefined;
    }
  }

  resume(): void {
    if (this.#resume !== undefined) this.toggle();
  }
}

type Step =
  | { readonly kind: "ask"; readonly node: number; readonly count: number }
  | { readonly kind: "elect"; readonly node: number }
  | { readonly kind: "pause"; readonly node: number }
  | { readonly kind: "clock"; readonly ms: number }
  | { readonly kind: "answer" }
  /** Lets everything come to rest, then asks both nodes and lets them answer. */
  | { readonly kind: "round" }
  | { readonly kind: "settle" };

const node = fc.integer({ min: 0, max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("ask" as const), node, count: fc.constantFrom(1, 3, 262_144) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("elect" as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pause" as const), node }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("round" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("clock" as const), ms: fc.integer({ min: -200, max: 400 }) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("answer" as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
);

/** Runs steps against two servers on one store, and judges what their clients saw. */
async function run(steps: readonly Step[]): Promise<HistoryReport> {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const timers = new ManualTimers();
  const nodes = [0, 1].map((id) => {
    const pausable = new Pausable(store.open(id));
    const options = resolveOptions({ driver: pausable.driver, acceptDataLoss: true, clock, windowAheadMs: 50 });
    const oracle = new Oracle(options, timers, () => undefined);
    oracle.start();
    return { pausable, oracle };
  });
  const calls: Call[] = [];
  let instant = 0;
  const ask = (id: number, count: number): void => {
    const client = calls.length + instant;
    instant += 1;
    const begin = instant;
    const end = (outcome: Call["outcome"]): void => {
      instant += 1;
      calls.push({ client, begin, end: instant, outcome });
    };
    const sink: GrantSink = {
      granted: (grant) => end({ kind: "ok", first: grant.first(), count, epoch: grant.epoch }),
      refused: () => end({ kind: "failed" }),
      abandoned: false,
    };
    nodes[id]?.oracle.desk.submit(count, sink);
  };
  for (const next of [...steps, { kind: "settle" }, { kind: "answer" }] satisfies Step[]) {
    switch (next.kind) {
      case "ask":
        ask(next.node, next.count);
        break;
      case "elect":
        store.elect(next.node);
        break;
      case "pause":
        nodes[next.node]?.pausable.toggle();
        break;
      case "clock":
        clock.ms = Math.max(0, clock.ms + next.ms);
        break;
      case "answer":
        timers.endTurn();
        break;
      case "round":
        await settle();
        for (const id of [0, 1]) ask(id, 1);
        timers.endTurn();
        await settle();
        break;
      case "settle":
        await settle();
        break;
      default:
        next satisfies never;
    }
  }
  for (const { pausable, oracle } of nodes) {
    pausable.resume();
    oracle.watch.stop();
    await oracle.watch.close();
  }
  const checker = new HistoryChecker();
  for (const call of calls) checker.add(call);
  return checker.finish();
}

/** The schedule that a paused leader is about: it has not heard that another one serves already. */
const PAUSED_LEADER: readonly Step[] = [
  { kind: "elect", node: 0 },
  { kind: "settle" },
  { kind: "ask", node: 0, count: 1 },
  { kind: "answer" },
  { kind: "pause", node: 0 },
  { kind: "elect", node: 1 },
  { kind: "settle" },
  { kind: "ask", node: 1, count: 1 },
  { kind: "answer" },
  { kind: "ask", node: 0, count: 1 },
  { kind: "answer" },
];

describe("histories of two servers on one store", () => {
  it("are unique, monotone and in real-time order under any elections, pauses and clock steps", async () => {
    let answered = 0;
    let reigns = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120 }), async (steps) => {
        const report = await run([{ kind: "elect", node: 0 }, { kind: "settle" }, ...steps]);
        answered += report.calls.ok;
        reigns += report.calls.epochs;
        expect(report).toMatchObject({ ok: true, violations: 0 });
      }),
      { numRuns: 150 },
    );
    // The histories are not empty, and leadership moves within them.
    expect(answered).toBeGreaterThan(1_000);
    expect(reigns).toBeGreaterThan(200);
  });

  it("refuse the late answer of a paused leader", async () => {
    const report = await run(PAUSED_LEADER);
    expect(report).toMatchObject({ ok: true, calls: { ok: 2, failed: 1 } });
  });

  it("would show it: without the look at the tenure, the same schedule breaks real-time order", async () => {
    const look = Reign.prototype.mayAnswer;
    Reign.prototype.mayAnswer = function (this: Reign) {
      return !this.ended;
    };
    try {
      const report = await run(PAUSED_LEADER);
      expect(report.ok).toBe(false);
    } finally {
      Reign.prototype.mayAnswer = look;
    }
  });
});
