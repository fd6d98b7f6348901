// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { type Call, type ClientId, isOk, type OkCall, type OkOutcome } from "../../src/checker/call.ts";

/** An answered call. */
export function ok(
  client: ClientId,
  [begin, end]: readonly [number, number],
  first: number | bigint,
  { count = 1, epoch = 1n }: { count?: number; epoch?: bigint } = {},
): OkCall {
  return { client, begin, end, outcome: { kind: "ok", first: BigInt(first), count, epoch } };
}

/** One call of a client that may start only after its previous call; waits and durations of 0 make ties. */
interface Step {
  readonly client: number;
  readonly wait: number;
  readonly duration: number;
  readonly kind: "ok" | "failed" | "unknown";
  /** Where within its interval the call takes effect, in quarters. */
  readonly quarter: number;
  /** Timestamps that the oracle leaves out before it answers. */
  readonly skip: number;
  readonly count: number;
  readonly newEpoch: boolean;
}

const smallCount = fc.integer({ min: 1, max: 4 });
const largeCount = fc.oneof(smallCount, fc.constantFrom(2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1, 2 ** 32 - 1));

function steps(maxLength: number, count: fc.Arbitrary<number>): fc.Arbitrary<Step[]> {
  const kind = fc.constantFrom<Step["kind"]>("ok", "ok", "ok", "ok", "ok", "failed", "unknown");
  const step = fc.record({
    client: fc.nat(3),
    wait: fc.nat(3),
    duration: fc.nat(4),
    kind,
    quarter: fc.nat(4),
    skip: fc.constantFrom(0, 0, 1, 2),
    count,
    newEpoch: fc.constantFrom(false, false, false, true),
  });
  return fc.array(step, { maxLength });
}

interface Timed extends Step {
  readonly begin: number;
  readonly end: number;
}

function timed(list: readonly Step[]): Timed[] {
  const free = new Map<number, number>();
  return list.map((step) => {
    const begin = (free.get(step.client) ?? 0) + step.wait;
    const end = begin + step.duration;
    free.set(step.client, end);
    return { ...step, begin, end };
  });
}

/** Runs the steps on a real oracle: each takes effect at one instant of its interval, in the order of those. */
function runOnModel(list: readonly Step[], start: bigint): Call[] {
  const calls = timed(list);
  const outcomes = new Map<Timed, OkOutcome>();
  const effects = [...calls].sort((a, b) => effectOf(a) - effectOf(b));
  let next = start;
  let epoch = 1n;
  for (const call of effects) {
    if (call.kind === "failed") continue;
    next += BigInt(call.skip);
    if (call.newEpoch) epoch += 1n;
    outcomes.set(call, { kind: "ok", first: next, count: call.count, epoch });
    next += BigInt(call.count);
  }
  return calls.map((call): Call => {
    const { client, begin, end, kind } = call;
    return { client, begin, end, outcome: kind === "ok" ? (outcomes.get(call) as OkOutcome) : { kind } };
  });
}

/** Stable sorting keeps equal instants in program order. */
function effectOf(call: Timed): number {
  return call.begin + (call.duration * call.quarter) / 4;
}

/** Histories that a correct oracle produces. */
export function validHistory(maxLength: number, count: fc.Arbitrary<number> = smallCount): fc.Arbitrary<Call[]> {
  const start = fc.constantFrom(0n, 5n, 2n ** 18n - 3n, 2n ** 32n - 9n, 2n ** 63n - 2n);
  return fc.tuple(steps(maxLength, count), start).map(([list, first]) => runOnModel(list, first));
}

interface Corruption {
  readonly kind: "swap" | "duplicate" | "stale" | "touch" | "epoch";
  readonly from: number;
  readonly to: number;
  readonly by: number;
}

const corruption: fc.Arbitrary<Corruption> = fc.record({
  kind: fc.constantFrom("swap", "duplicate", "stale", "touch", "epoch"),
  from: fc.nat(1000),
  to: fc.nat(1000),
  by: fc.integer({ min: -2, max: 2 }),
});

/** Damages two answered calls of a history, chosen by the corruption. */
function corrupt(history: readonly Call[], { kind, from, to, by }: Corruption): Call[] {
  const answered = history.filter(isOk);
  const a = answered[from % Math.max(answered.length, 1)];
  const b = answered[to % Math.max(answered.length, 1)];
  if (a === undefined || b === undefined) return [...history];
  const replace = (changes: ReadonlyMap<Call, Call>): Call[] => history.map((call) => changes.get(call) ?? call);
  const shifted = (call: OkCall, first: bigint): Call => ({
    ...call,
    outcome: { ...call.outcome, first: first < 0n ? 0n : first },
  });
  switch (kind) {
    case "swap":
      return replace(
        new Map<Call, Call>([
          [a, { ...a, outcome: b.outcome }],
          [b, { ...b, outcome: a.outcome }],
        ]),
      );
    case "duplicate":
      return replace(new Map([[b, shifted(b, a.outcome.first + BigInt(by))]]));
    case "stale":
      return replace(new Map([[b, shifted(b, b.outcome.first - BigInt(2 + by))]]));
    case "touch": {
      // A caller of its own, so that moving the call in time leaves every client sequential.
      const end = Number(a.begin) + by;
      const begin = end - (Number(b.end) - Number(b.begin));
      return replace(new Map([[b, { ...b, client: `moved ${history.indexOf(b)}`, begin, end }]]));
    }
    case "epoch": {
      const epoch = b.outcome.epoch + BigInt(by);
      return replace(new Map([[b, { ...b, outcome: { ...b.outcome, epoch: epoch < 0n ? 0n : epoch } }]]));
    }
    default:
      return kind satisfies never;
  }
}

/** Valid histories, and such with one to three corruptions. */
export function anyHistory(maxLength: number, count: fc.Arbitrary<number> = smallCount): fc.Arbitrary<Call[]> {
  return fc
    .tuple(validHistory(maxLength, count), fc.array(corruption, { maxLength: 3 }))
    .map(([history, corruptions]) => corruptions.reduce(corrupt, history));
}

/** Answers without any oracle behind them: few values, few instants, everything collides with everything. */
export function chaoticHistory(maxLength: number): fc.Arbitrary<Call[]> {
  const answer = fc.record({ first: fc.nat(12), epoch: fc.nat(3), broken: fc.constantFrom(false, false, true) });
  const start = fc.constantFrom(0n, 2n ** 18n - 6n, 2n ** 32n - 6n);
  return fc
    .tuple(steps(maxLength, smallCount), fc.array(answer, { minLength: maxLength, maxLength }), start)
    .map(([list, answers, offset]) =>
      timed(list).map(({ client, begin, end, kind, count }, index): Call => {
        const { first, epoch, broken } = answers[index] as (typeof answers)[number];
        if (kind !== "ok") return { client, begin, end, outcome: { kind } };
        const outcome: OkOutcome = { kind, first: offset + BigInt(first), count, epoch: BigInt(epoch) };
        return { client, begin, end, outcome: broken && count > 1 ? { ...outcome, brokenAt: count - 1 } : outcome };
      }),
    );
}

/** What the comparisons run on: all of the above, in sizes that a person can still read. */
export function comparedHistory(): fc.Arbitrary<Call[]> {
  return fc.oneof(anyHistory(12), anyHistory(40), anyHistory(12, largeCount), chaoticHistory(8), chaoticHistory(25));
}
