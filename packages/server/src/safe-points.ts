// SPDX-License-Identifier: Apache-2.0
import { type Clock, EPOCH_ZERO } from "@tsoracle/core";
import { epochToWire, type GetCurrentMaxSafeResponse, type GetSafeFrontierResponse } from "@tsoracle/proto";
import type { ServingCore } from "./serving-core.ts";

/**
 * Physical times at or below which no leader issues a timestamp any more. Every node answers and
 * none redirects: zero where nothing is known.
 *
 * Both are at most the allocator's closed watermark (`tsoracle-behaviour.md` 13(b)), which holds for
 * later leaders as well, since they start above this one's high-water; so no tenure is asked.
 */
export class SafePoints {
  readonly #core: ServingCore;
  readonly #clock: Clock;
  readonly #windowAheadMs: number;

  constructor(core: ServingCore, clock: Clock, windowAheadMs: number) {
    this.#core = core;
    this.#clock = clock;
    this.#windowAheadMs = windowAheadMs;
  }

  /** What readers may take as closed, one window behind the high-water as the reference has it. */
  getCurrentMaxSafe(): GetCurrentMaxSafeResponse {
    const { highWater, closed, epoch } = this.#now();
    const behind = Math.max(0, highWater - (this.#windowAheadMs + 1));
    const { hi, lo } = epochToWire(epoch);
    return { maxSafePhysicalMs: BigInt(Math.min(behind, closed)), epochHi: hi, epochLo: lo };
  }

  /** The closed time that no lease holds back. */
  getSafeFrontier(): GetSafeFrontierResponse {
    const { highWater, closed, epoch, oldestLease } = this.#now();
    const { hi, lo } = epochToWire(epoch);
    const frontier = BigInt(Math.min(highWater, closed));
    const frontierPhysicalMs = oldestLease !== undefined && oldestLease < frontier ? oldestLease : frontier;
    return { frontierPhysicalMs, epochHi: hi, epochLo: lo };
  }

  #now(): { highWater: number; closed: number; epoch: typeof EPOCH_ZERO; oldestLease: bigint | undefined } {
    const { reign } = this.#core;
    if (reign === undefined) return { highWater: 0, closed: 0, epoch: EPOCH_ZERO, oldestLease: undefined };
    const nowMs = this.#clock.nowMs();
    return {
      highWater: reign.allocator.committedHighWater ?? 0,
      closed: reign.allocator.closedWatermark(nowMs),
      epoch: reign.epoch,
      oldestLease: reign.leases.minUnexpiredBound(nowMs),
    };
  }
}
