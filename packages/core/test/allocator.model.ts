// SPDX-License-Identifier: Apache-2.0
import {
  type Allocator,
  type CommitResult,
  type Epoch,
  type ExtensionResult,
  epoch,
  PHYSICAL_MS_MAX,
  physicalMs,
} from "../src/index.ts";

const PER_MS = 262_144n;

/**
 * The allocator again, as simply as it can be said: one bigint is the next timestamp that is still
 * free. It shares no arithmetic with the allocator, which keeps two numbers.
 */
export class AllocatorModel {
  #reign: { readonly epoch: Epoch; high: bigint; free: bigint } | undefined;

  becomeLeader(floor: number, ceiling: number, reignEpoch: Epoch): boolean {
    if (ceiling < floor) return false;
    this.#reign = { epoch: reignEpoch, high: BigInt(ceiling), free: BigInt(floor) * PER_MS };
    return true;
  }

  stepDown(): void {
    this.#reign = undefined;
  }

  /** The first timestamp of the block, or the reason why there is none. */
  grant(now: number, count: number): bigint | string {
    if (!(Number.isInteger(count) && count >= 1 && count <= 262_144)) return "invalid_count";
    if (this.#reign === undefined) return "not_leader";
    if (!(Number.isSafeInteger(now) && now >= 0)) return "clock_out_of_range";
    let start = this.#reign.free;
    if (BigInt(now) * PER_MS > start) start = BigInt(now) * PER_MS;
    const room = PER_MS - (start % PER_MS);
    if (BigInt(count) > room) start += room;
    const physical = start / PER_MS;
    if (physical > BigInt(PHYSICAL_MS_MAX)) return "physical_ms_out_of_range";
    if (physical > this.#reign.high) return "window_exhausted";
    this.#reign.free = start + BigInt(count);
    return start;
  }

  prepareWindow(now: number, ahead: number): number | string {
    return this.#bound(now, (high) => bigMax(high + 1n, BigInt(now)) + BigInt(ahead));
  }

  prepareBackground(now: number, ahead: number): number | string | undefined {
    if (this.#reign !== undefined && Number.isSafeInteger(now) && now >= 0) {
      const front = bigMax(this.#reign.free / PER_MS, BigInt(now));
      if ((this.#reign.high - front) * 2n >= BigInt(ahead)) return undefined;
    }
    const free = (this.#reign?.free ?? 0n) / PER_MS;
    return this.#bound(now, (high) => bigMax(high + 1n, bigMax(free, BigInt(now)) + BigInt(ahead)));
  }

  prepareLease(now: number, ttl: number): number | string {
    return this.#bound(now, (high) => bigMax(high + 1n, BigInt(now) + BigInt(ttl)));
  }

  commit(persisted: number, expected: Epoch): CommitResult["outcome"] | string {
    if (this.#reign === undefined) return "not_leader";
    if (this.#reign.epoch !== expected) return "epoch_mismatch";
    if (BigInt(persisted) <= this.#reign.high) return "not_advanced";
    this.#reign.high = BigInt(persisted);
    return "applied";
  }

  watermark(now: number): bigint {
    if (this.#reign === undefined) return 0n;
    if (Number.isSafeInteger(now) && now >= 0) {
      const reachable = bigMin(BigInt(now), this.#reign.high) * PER_MS;
      if (reachable / PER_MS > this.#reign.free / PER_MS) this.#reign.free = reachable;
    }
    const below = bigMin(this.#reign.free / PER_MS - 1n, this.#reign.high);
    return below < 0n ? 0n : below;
  }

  get high(): number | undefined {
    return this.#reign === undefined ? undefined : Number(this.#reign.high);
  }

  #bound(now: number, target: (high: bigint) => bigint): number | string {
    if (this.#reign === undefined) return "not_leader";
    if (!(Number.isSafeInteger(now) && now >= 0)) return "clock_out_of_range";
    const wanted = target(this.#reign.high);
    return wanted > BigInt(PHYSICAL_MS_MAX) ? "physical_ms_out_of_range" : Number(wanted);
  }
}

function bigMax(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function bigMin(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export type AllocatorOperation =
  | { readonly do: "grant"; readonly now: number; readonly count: number }
  | {
      readonly do: "extend";
      readonly how: "window" | "background" | "lease";
      readonly now: number;
      readonly spanMs: number;
      /** How many later operations pass before the store's answer is reported. */
      readonly late: number;
    }
  | { readonly do: "lead"; readonly now: number; readonly advanceMs: number; readonly sameEpoch: boolean }
  | { readonly do: "lead_badly" }
  | { readonly do: "step_down" }
  | { readonly do: "watermark"; readonly now: number };

class Broken extends Error {}

function must(condition: boolean, fact: string): void {
  if (!condition) throw new Broken(fact);
}

interface LateCommit {
  due: number;
  readonly persisted: number;
  readonly epoch: Epoch;
}

/**
 * Runs operations on an allocator, beside the model and a store that only remembers the largest
 * persisted bound, and checks I1 to I6 and the watermark after each. Throws at the first difference.
 */
export class AllocatorTrial {
  readonly #subject: Allocator;
  readonly #model = new AllocatorModel();
  #late: LateCommit[] = [];
  #durable = 0;
  #epoch: Epoch = epoch(0n);
  #newest = -1n;
  #closed = -1n;
  #floor = 0;
  #before: { readonly epoch: Epoch; readonly high: number; readonly next: number } | undefined;
  /** How often each outcome was seen, so that a test can tell that it tried what it claims. */
  readonly seen: Map<string, number> = new Map();

  constructor(subject: Allocator) {
    this.#subject = subject;
  }

  run(operations: readonly AllocatorOperation[]): void {
    for (const operation of operations) {
      this.#perform(operation);
      this.#checkState(operation.do === "lead");
      for (const late of this.#late) late.due -= 1;
      const due = this.#late.filter((late) => late.due < 0);
      this.#late = this.#late.filter((late) => late.due >= 0);
      for (const late of due) this.#commit(late);
      this.#checkState(false);
    }
  }

  #perform(operation: AllocatorOperation): void {
    switch (operation.do) {
      case "grant":
        this.#grant(operation.now, operation.count);
        break;
      case "extend":
        this.#extend(operation);
        break;
      case "lead":
        this.#lead(operation);
        break;
      case "lead_badly": {
        const result = this.#subject.becomeLeader({
          fenceFloor: physicalMs(6),
          committedCeiling: physicalMs(5),
          epoch: epoch(99n),
        });
        must(!result.ok, "a ceiling below the floor is refused");
        break;
      }
      case "step_down":
        this.#subject.stepDown();
        this.#model.stepDown();
        break;
      case "watermark": {
        const closed = this.#subject.closedWatermark(operation.now);
        must(BigInt(closed) === this.#model.watermark(operation.now), "the watermark is the model's");
        if (closed > 0 && BigInt(closed) > this.#closed) this.#closed = BigInt(closed);
        this.#note("watermark");
        break;
      }
      default:
        operation satisfies never;
    }
  }

  #grant(now: number, count: number): void {
    const would = this.#subject.wouldGrant(now, count);
    const result = this.#subject.tryGrant(now, count);
    const expected = this.#model.grant(now, count);
    must(would === result.ok, "I4: wouldGrant and tryGrant agree");
    this.#note(result.ok ? "granted" : result.reason);
    if (!result.ok) {
      must(result.reason === expected, `refused for ${result.reason}, the model says ${expected}`);
      return;
    }
    const { grant } = result;
    must(grant.first() === expected, `the grant starts at ${grant.first()}, the model says ${expected}`);
    must(grant.last() === grant.first() + BigInt(count) - 1n, "a grant has as many timestamps as were asked for");
    must(grant.physicalMs <= (this.#subject.committedHighWater ?? -1), "I1: a grant is at most the committed bound");
    must(grant.physicalMs <= this.#durable, "a grant is at most what the store holds");
    must(grant.physicalMs >= this.#floor, "I3: a grant is never below the fence floor");
    must(grant.first() > this.#newest, "every grant is above every earlier one, across reigns");
    must(BigInt(grant.physicalMs) > this.#closed, "no grant is at or below a watermark given before");
    must(grant.epoch === this.#epoch, "a grant names its reign");
    this.#newest = grant.last();
  }

  #extend(operation: AllocatorOperation & { do: "extend" }): void {
    const { now, spanMs, how } = operation;
    const [result, expected] =
      how === "window"
        ? [this.#subject.prepareWindowExtension(now, spanMs), this.#model.prepareWindow(now, spanMs)]
        : how === "lease"
          ? [this.#subject.prepareLeaseBound(now, spanMs), this.#model.prepareLease(now, spanMs)]
          : [this.#subject.prepareBackgroundExtension(now, spanMs), this.#model.prepareBackground(now, spanMs)];
    must(
      describeExtension(result) === expected,
      `${how} asks for ${describeExtension(result)}, the model: ${expected}`,
    );
    this.#note(result === undefined ? `${how}:none` : result.ok ? how : `${how}:${result.reason}`);
    if (result === undefined || !result.ok) return;
    must(result.atLeast > (this.#subject.committedHighWater ?? 0), "an extension always asks for progress");
    this.#durable = Math.max(this.#durable, result.atLeast);
    this.#late.push({ due: operation.late, persisted: this.#durable, epoch: result.epoch });
  }

  #commit(late: LateCommit): void {
    const before = this.#subject.committedHighWater;
    const result = this.#subject.commitWindowExtension(physicalMs(late.persisted), late.epoch);
    const outcome = result.outcome === "applied" ? "applied" : result.reason;
    must(outcome === this.#model.commit(late.persisted, late.epoch), `the commit was ${outcome}`);
    const foreign = late.epoch !== this.#subject.epoch;
    must(!foreign || this.#subject.committedHighWater === before, "I6: a commit from another epoch changes nothing");
    this.#note(`commit:${outcome}`);
  }

  #lead(operation: AllocatorOperation & { do: "lead" }): void {
    const floor = Math.max(this.#durable + 1, Number.isSafeInteger(operation.now) ? operation.now : 0);
    const ceiling = floor + operation.advanceMs;
    if (ceiling > PHYSICAL_MS_MAX) return;
    if (!operation.sameEpoch) this.#epoch = epoch(this.#epoch + 1n);
    this.#durable = ceiling;
    this.#floor = floor;
    this.#before = undefined;
    const window = { fenceFloor: physicalMs(floor), committedCeiling: physicalMs(ceiling), epoch: this.#epoch };
    must(this.#subject.becomeLeader(window).ok, "a sound window is accepted");
    this.#model.becomeLeader(floor, ceiling, this.#epoch);
    this.#note("lead");
  }

  #checkState(newReign: boolean): void {
    const { committedHighWater: high, nextPhysicalMs: next, epoch: reign } = this.#subject;
    must(high === this.#model.high, "the committed bound is the model's");
    if (high === undefined || next === undefined || reign === undefined) {
      this.#before = undefined;
      must(!this.#subject.isLeader, "without a window there is no leader");
      return;
    }
    must(high <= PHYSICAL_MS_MAX, "I2: the bound is within 46 bits");
    must(next >= this.#floor, "I3: the cursor is never below the floor");
    must(high <= this.#durable, "nothing is committed that the store does not hold");
    if (this.#before !== undefined && !newReign && this.#before.epoch === reign) {
      must(next >= this.#before.next, "I3: the cursor never goes back within a reign");
      must(high >= this.#before.high, "I5: the bound only rises within a reign");
    }
    this.#before = { epoch: reign, high, next };
  }

  #note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}

function describeExtension(result: ExtensionResult | undefined): number | string | undefined {
  return result === undefined ? undefined : result.ok ? result.atLeast : result.reason;
}
