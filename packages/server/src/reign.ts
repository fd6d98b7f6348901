// SPDX-License-Identifier: Apache-2.0
import type { CallOptions, Tenure } from "@tsoracle/consensus";
import { Allocator, type Epoch, invariant, type LeadershipWindow, type LeaseRecord, LeaseTable } from "@tsoracle/core";

/** Everything that a reign starts from. */
export interface ReignStart {
  /** Identifies this reign to the failover protocol. */
  readonly token: number;
  readonly window: LeadershipWindow;
  readonly leases: readonly LeaseRecord[];
  readonly tenure: Tenure | undefined;
  readonly nowMs: number;
}

/**
 * The state of one reign, and of that one only: whoever holds it across an `await` must ask
 * {@link Reign.ended} afterwards. A new reign is a new object; nothing is carried over.
 */
export class Reign {
  readonly token: number;
  readonly epoch: Epoch;
  readonly allocator: Allocator = new Allocator();
  readonly leases: LeaseTable = new LeaseTable();
  readonly #tenure: Tenure | undefined;
  #ended = false;

  constructor(start: ReignStart) {
    this.token = start.token;
    this.epoch = start.window.epoch;
    this.#tenure = start.tenure;
    const result = this.allocator.becomeLeader(start.window);
    invariant(result.ok, "a fence persists at least its floor");
    this.leases.seed(start.leases, start.nowMs);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Whether what was allocated may be answered now. It reads fresh clocks, so it means something
   * only for requests that arrived before the call, and nothing after an `await`
   * (`postgres-redis.md` 2.5). A tenure that cannot say is not valid.
   */
  mayAnswer(): boolean {
    if (this.#ended) return false;
    try {
      return this.#tenure === undefined || this.#tenure.valid() === true;
    } catch {
      return false;
    }
  }

  /** The round to await before answering, where the driver asks for one (`postgres-redis.md` 2.6). */
  get confirm(): ((options?: CallOptions) => Promise<boolean>) | undefined {
    const tenure = this.#tenure;
    return tenure?.confirm === undefined ? undefined : tenure.confirm.bind(tenure);
  }

  /** In this order: no more timestamps, no more sequences, no more leases. Idempotent. */
  end(): void {
    this.allocator.stepDown();
    this.#ended = true;
    this.leases.clear();
  }
}
