// SPDX-License-Identifier: Apache-2.0
import { type Epoch, epochFromHalves, epochToHalves, U64_MAX } from "@tsoracle/core";
import type { EpochWire } from "./gen/tsoracle/v1/tso.ts";

/** An epoch as the wire's two halves (`tsoracle-behaviour.md` 1.2). */
export function epochToWire(epoch: Epoch): EpochWire {
  return epochToHalves(epoch);
}

/**
 * The epoch of an `EpochWire` message, or undefined when the message is absent. An empty message is
 * epoch zero, which is a legal epoch and not the same as none.
 */
export function epochFromWire(wire: EpochWire | undefined): Epoch | undefined {
  return wire === undefined ? undefined : epochFromHiLo(wire.hi, wire.lo);
}

/** Joins the two halves of a message. Bits above the 64 that a half has on the wire are not its own and are dropped. */
export function epochFromHiLo(hi: bigint, lo: bigint): Epoch {
  return epochFromHalves({ hi: hi & U64_MAX, lo: lo & U64_MAX });
}
