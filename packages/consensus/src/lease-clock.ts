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

/** The boot clock counts in steps of this size, so a difference may be too small by one step. */
export const BOOT_CLOCK_RESOLUTION_MS = 10;

/**
 * How old something is, for a leader that must not overstay: the largest of the monotonic, the
 * boot-time and the wall-clock difference, because a clock that ran ahead only shortens a lease
 * (`postgres-redis.md` 2.4). A backward wall-clock step has no effect. A clock that answers NaN makes
 * the age NaN, which is below no limit: write validity as `age < limit`, never as `!(age >= limit)`.
 *
 * The boot clock's coarse steps are rounded up, where the reference rounds down: after a suspend it
 * may be the only clock that saw the time pass, and then an age that is too small by a step or two
 * eats into the slack that the proof needs.
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
    const boot = this.#sources.bootMs() - mark.bootMs + BOOT_CLOCK_RESOLUTION_MS;
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
