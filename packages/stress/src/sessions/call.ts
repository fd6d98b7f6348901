// SPDX-License-Identifier: Apache-2.0
import type { EntryText } from "./entry.ts";

/**
 * `open` of a session that is new or was let go in good order, `reopen` of one that an earlier start of the same worker, or
 * an earlier try, had; `takeover` of one whose owner is gone.
 */
export type CallKind = "open" | "reopen" | "takeover" | "append" | "hand_off";

/** What a session said about the failover that brought it to a worker. In milliseconds of the wall clock. */
export interface ReportedContinuity {
  readonly latencyMs: number;
  readonly loss: number;
  readonly met: boolean;
}

/** How a call ended. `refused` is what the product says of a call that wrote nothing. */
export type CallOutcome =
  | { readonly kind: "appended"; readonly seq: number }
  | {
      readonly kind: "owned";
      readonly epoch: bigint;
      readonly created: boolean;
      readonly continuity: ReportedContinuity | undefined;
    }
  | { readonly kind: "released" }
  | { readonly kind: "refused"; readonly code: string }
  /** The caller was told that nobody knows, or was killed before it was told anything. */
  | { readonly kind: "unknown"; readonly code: string };

/** One call of a worker. Instants are of the shared clock. */
export interface SessionCall {
  /** A worker, by its index, and how often it had been started: `1.2`. */
  readonly worker: number;
  readonly caller: string;
  readonly kind: CallKind;
  readonly session: string;
  readonly begin: number;
  /** Infinity where the caller was killed before the answer. */
  readonly end: number;
  /** Of an append: what it wrote, and under which epoch it believed to own the session. */
  readonly entry?: { readonly text: EntryText; readonly id: string; readonly epoch: bigint };
  readonly outcome: CallOutcome;
}

/**
 * A line of a worker's record. It is written with one system call before the call begins and another when it has ended,
 * so that a worker that is killed leaves everything behind that it knew.
 */
export type RecordLine =
  | {
      readonly type: "begin";
      readonly call: number;
      readonly at: number;
      readonly kind: CallKind;
      readonly session: string;
      readonly text?: EntryText;
    }
  | { readonly type: "end"; readonly call: number; readonly at: number; readonly outcome: RecordedOutcome }
  /** An event of the session manager that should not happen in a sound system. */
  | { readonly type: "alarm"; readonly at: number; readonly session: string; readonly what: string };

export interface Alarm {
  readonly caller: string;
  readonly at: number;
  readonly session: string;
  readonly what: string;
}

/** The same as {@link CallOutcome}, with numbers that JSON can hold. */
export type RecordedOutcome =
  | Exclude<CallOutcome, { readonly kind: "owned" }>
  | (Omit<Extract<CallOutcome, { readonly kind: "owned" }>, "epoch"> & { readonly epoch: string });

export function outcomeOf(recorded: RecordedOutcome): CallOutcome {
  return recorded.kind === "owned" ? { ...recorded, epoch: BigInt(recorded.epoch) } : recorded;
}
