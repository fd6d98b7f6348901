// SPDX-License-Identifier: Apache-2.0
import type { ConsensusErrorCode } from "@tsoracle/consensus";
import type { RaftDriverOptions } from "../../src/index.ts";

/** What a node is asked to do, by name; the host finds the method of the driver that has it. */
export type Method =
  | "loadHighWater"
  | "persistHighWater"
  | "sequences.load"
  | "sequences.advance"
  | "leases.load"
  | "leases.replace"
  | "membership.members"
  | "membership.leader"
  | "membership.addLearner"
  | "membership.promote"
  | "membership.remove"
  | "membership.transfer"
  | "tenure.confirm"
  | "resign"
  | "metrics"
  | "dispose";

/** From the kit to a process that hosts nodes, one at a time. Calls name the driver, since an earlier one may still be asked. */
export type ToHost =
  | { readonly kind: "open"; readonly call: number; readonly driver: number; readonly options: RaftDriverOptions }
  | {
      readonly kind: "call";
      readonly call: number;
      readonly driver: number;
      readonly method: Method;
      readonly args: readonly unknown[];
      /** Whether the caller's signal was aborted before the call. */
      readonly aborted: boolean;
    }
  | { readonly kind: "abort"; readonly call: number };

/** A leadership item; the tenure itself stays with the driver, and is asked for by its number. */
export type WireState =
  | { readonly role: "leader"; readonly epoch: bigint; readonly tenure: number; readonly confirms: boolean }
  | {
      readonly role: "follower";
      readonly leaderEndpoint?: string | undefined;
      readonly leaderEpoch?: bigint | undefined;
    }
  | { readonly role: "unknown" };

/** An error of the driver, in a form that a process boundary lets through. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code?: ConsensusErrorCode | undefined;
  readonly currentEpoch?: bigint | undefined;
  readonly isConsensus: boolean;
}

export type FromHost =
  | { readonly kind: "ready" }
  | { readonly kind: "value"; readonly call: number; readonly value: unknown }
  | { readonly kind: "error"; readonly call: number; readonly error: WireError }
  | { readonly kind: "state"; readonly driver: number; readonly state: WireState }
  | { readonly kind: "ended"; readonly driver: number; readonly error?: WireError | undefined };

/** How a tenure is asked for over the pair of pipes beside the messages: the answer must come before anything else runs. */
export const QUESTION_BYTES = 4;
