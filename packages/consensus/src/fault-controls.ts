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

export interface FailNextOptions<Method extends string = DriverMethod> {
  /** Strikes the next call of this method only. By default the next call of any method. */
  readonly method?: Method | undefined;
  readonly message?: string | undefined;
}

/**
 * Switches of a `faulty` driver, or of a faulty journal. With none of them used, it behaves as the one it wraps.
 */
export interface FaultControls<Method extends string = DriverMethod, Code extends string = ConsensusErrorCode> {
  /**
   * Holds every call, or every write, until the returned function is called. A held call rejects as
   * `uncertain` after the call timeout; its write still lands on release, late.
   */
  stall(which?: "all" | "writes"): () => void;
  /** The next call rejects with `code` and does not reach the driver. Several wait in order. */
  failNext(code: Code, options?: FailNextOptions<Method>): void;
  /** The next write lands; its answer is lost, and the call rejects as `uncertain`. */
  loseReply(): void;
  /** How often each method was called, refused calls included. */
  readonly calls: Readonly<Record<Method, number>>;
}
