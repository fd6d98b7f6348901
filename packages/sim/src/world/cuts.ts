// SPDX-License-Identifier: Apache-2.0
import type { World } from "./cluster.ts";

const LOOK_EVERY_MS = 40;
const PATIENCE_MS = 6_000;

/** Looks from time to time, until it is so, or has not been for long. */
export function when(world: World, isSo: () => boolean, then: () => void, never: () => void): void {
  const untilMs = world.nowMs + PATIENCE_MS;
  const look = (): void => {
    if (world.healed) return;
    if (isSo()) then();
    else if (world.nowMs >= untilMs) never();
    else world.at(LOOK_EVERY_MS, look);
  };
  look();
}

/** Pairs that do not hear each other, for one fault. */
export class Cuts {
  readonly #world: World;
  readonly #pairs = new Map<string, readonly [number, number]>();

  constructor(world: World) {
    this.#world = world;
  }

  isolate(id: number): void {
    for (const other of this.#world.nodes.keys()) if (other !== id) this.cut(id, other);
  }

  cut(a: number, b: number): void {
    const pair = [Math.min(a, b), Math.max(a, b)] as const;
    if (this.#world.healed || a === b || this.#pairs.has(pair.join())) return;
    this.#pairs.set(pair.join(), pair);
    this.#world.network.cut(a, b);
    this.#world.network.cut(b, a);
  }

  mend(a: number, b: number): void {
    const key = [Math.min(a, b), Math.max(a, b)].join();
    // After everything was mended the network knows of no cut any more.
    if (!this.#pairs.delete(key) || this.#world.healed) return;
    this.#world.network.mend(a, b);
    this.#world.network.mend(b, a);
  }

  mendAll(): void {
    for (const [a, b] of [...this.#pairs.values()]) this.mend(a, b);
  }
}
