// SPDX-License-Identifier: Apache-2.0

/**
 * What a driver promises, as a frozen constant that users see. The conformance kit checks that the
 * driver, its exported constant and its behaviour agree.
 */
export interface DriverCapabilities {
  /**
   * What a resolved write survives: `fsync`, a crash of its machine; `replicated`, the loss of a
   * minority of machines; `asynchronous`, nothing that can be relied on.
   */
  readonly durability: "fsync" | "replicated" | "asynchronous";
  /** Whether more than one server may be started on one history. */
  readonly topology: "single" | "cluster";
  /**
   * How a leader knows that it may still answer: `exclusive`, nobody else can ever serve while it
   * lives; `lease`, a tenure with wait-out; `confirm`, a round after each request; `none`.
   */
  readonly realTimeOrder: "exclusive" | "lease" | "confirm" | "none";
  readonly sequences: boolean;
  readonly leases: boolean;
  readonly membership: boolean;
}
