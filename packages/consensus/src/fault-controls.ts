// SPDX-License-Identifier: Apache-2.0
import type { ConsensusErrorCode } from "./consensus-error.ts";

/** The calls that faults can strike. */
export type DriverMethod =
  | "loadHighWater"
  | "persistHighWater"
  | "sequences.load"
  | "sequences.advance"
  | "leases.load"
  | "leases.replace";

export interface FailNextOptions {
  /** Strikes the next call of this method only. By default the next call of any method. */
  readonly method?: DriverMethod | undefined;
  readonly message?: string | undefined;
}

/** Switches of a `faulty` driver. With none of them used, the driver behaves as the one it wraps. */
export interface FaultControls {
  /**
   * Holds every call, or every write, until the returned function is called. A held call rejects as
   * `uncertain` after the call timeout; its write still lands on release, late.
   */
  stall(which?: "all" | "writes"): () => void;
  /** The next call rejects with `code` and does not reach the driver. Several wait in order. */
  failNext(code: ConsensusErrorCode, options?: FailNextOptions): void;
  /** The next write lands; its answer is lost, and the call rejects as `uncertain`. */
  loseReply(): void;
  /** How often each method was called, refused calls included. */
  readonly calls: Readonly<Record<DriverMethod, number>>;
}
