// SPDX-License-Identifier: Apache-2.0
import { hold } from "../violation.ts";

/**
 * Invariant 13: `Ok(v)` of an advance means that every later load is at least v; an `Ok` of an epoch that comes late, after
 * a newer epoch has loaded, was seen by that load; each epoch is told of once, by one node, and epochs rise at each node.
 */
export class Register {
  /** The largest value that an `Ok` has named, whenever. */
  floor = 0;
  readonly #leaderOf = new Map<number, string>();
  readonly #lowestLoad = new Map<number, number>();

  elected(epoch: number, start: string): void {
    const known = this.#leaderOf.get(epoch);
    hold(known === undefined, "13", () => `epoch ${epoch} is told of twice, by ${known} and ${start}`);
    this.#leaderOf.set(epoch, start);
  }

  advanced(epoch: number, atLeast: number, highWater: number, floorAtCall: number): void {
    hold(highWater >= atLeast, "13", () => `an advance to ${atLeast} was answered with ${highWater}`);
    hold(
      highWater >= floorAtCall,
      "13",
      () => `an advance was answered with ${highWater}, ${floorAtCall} was acknowledged before`,
    );
    for (const [newer, value] of this.#lowestLoad) {
      hold(
        newer <= epoch || value >= atLeast,
        "13",
        () => `epoch ${epoch} is told Ok(${atLeast}), but epoch ${newer} loaded ${value}`,
      );
    }
    if (atLeast > this.floor) this.floor = atLeast;
  }

  /** `epoch` 0: asked of a node that does not lead. */
  loaded(epoch: number, value: number, floorAtCall: number): void {
    hold(
      value >= floorAtCall,
      "13",
      () => `a load in epoch ${epoch} found ${value}, ${floorAtCall} was acknowledged before`,
    );
    if (epoch > 0) this.#lowestLoad.set(epoch, Math.min(value, this.#lowestLoad.get(epoch) ?? value));
  }
}

/** Dense counters: every number once, none skipped backwards, later calls above earlier answers (`tsoracle-behaviour.md` 6.2). */
export class Sequences {
  readonly #taken = new Map<string, Set<number>>();
  readonly #floor = new Map<string, number>();

  floorOf(key: string): number {
    return this.#floor.get(key) ?? 0;
  }

  answered(key: string, start: number, count: number, floorAtCall: number): void {
    hold(start >= floorAtCall, "13", () => `sequence ${key} starts at ${start}, ${floorAtCall} was given before`);
    const taken = this.#taken.get(key) ?? new Set();
    this.#taken.set(key, taken);
    for (let value = start; value < start + count; value++) {
      hold(!taken.has(value), "13", () => `sequence ${key} gives ${value} twice`);
      taken.add(value);
    }
    this.#floor.set(key, Math.max(this.floorOf(key), start + count));
  }
}

/** The set of leases is replaced as a whole: a load never finds an older set than the last one acknowledged. */
export class LeaseSets {
  acknowledged = 0;

  answered(version: number): void {
    if (version > this.acknowledged) this.acknowledged = version;
  }

  loaded(version: number, floorAtCall: number): void {
    hold(
      version >= floorAtCall,
      "13",
      () => `leases of version ${version} were loaded, ${floorAtCall} was acknowledged before`,
    );
  }
}
