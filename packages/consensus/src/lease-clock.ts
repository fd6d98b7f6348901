// SPDX-License-Identifier: Apache-2.0
import { uptime } from "node:os";

/** An instant, on every clock that a lease looks at. Compare only instants of one process. */
export interface LeaseMark {
  readonly monotonicNs: bigint;
  readonly bootMs: number;
  readonly wallMs: number;
}

/** The clocks that a lease looks at. Synchronous; each reads a fresh value. */
export interface LeaseClockSources {
  /** Monotonic, stands still while the machine is suspended. Nanoseconds. */
  monotonicNs(): bigint;
  /** Time since boot, suspension included. Milliseconds. */
  bootMs(): number;
  /** Wall clock. Milliseconds. */
  wallMs(): number;
}

const systemSources: LeaseClockSources = {
  monotonicNs: () => process.hrtime.bigint(),
  bootMs: () => uptime() * 1_000,
  wallMs: () => Date.now(),
};

/** The boot clock counts in steps of this size, so its difference may be too large by one step. */
export const BOOT_CLOCK_RESOLUTION_MS = 10;

/**
 * How old something is, for a leader that must not overstay: the largest of the monotonic, the
 * boot-time and the wall-clock difference, because a clock that ran ahead only shortens a lease
 * (`postgres-redis.md` 2.4). A backward wall-clock step has no effect.
 *
 * For waiting out somebody else's lease use {@link WaitOut}: there the danger is the other way round.
 */
export class LeaseClock {
  readonly #sources: LeaseClockSources;

  constructor(sources: LeaseClockSources = systemSources) {
    this.#sources = sources;
  }

  /** Marks now. A lease is counted from the instant before its renewal was sent, never from the reply. */
  mark(): LeaseMark {
    return {
      monotonicNs: this.#sources.monotonicNs(),
      bootMs: this.#sources.bootMs(),
      wallMs: this.#sources.wallMs(),
    };
  }

  /** Milliseconds since `mark`, by the clock that ran furthest. */
  ageMs(mark: LeaseMark): number {
    const monotonic = Number(this.#sources.monotonicNs() - mark.monotonicNs) / 1e6;
    const boot = this.#sources.bootMs() - mark.bootMs - BOOT_CLOCK_RESOLUTION_MS;
    const wall = this.#sources.wallMs() - mark.wallMs;
    return Math.max(monotonic, boot, wall);
  }

  /** The monotonic clock alone, in nanoseconds. */
  monotonicNs(): bigint {
    return this.#sources.monotonicNs();
  }
}

/** The later of two marks of one process. */
export function laterMark(a: LeaseMark, b: LeaseMark): LeaseMark {
  return a.monotonicNs >= b.monotonicNs ? a : b;
}
