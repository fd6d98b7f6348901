// SPDX-License-Identifier: Apache-2.0

/** Consecutive timestamps, or why there are none. */
export type CallResult =
  | { readonly kind: "answer"; readonly first: bigint; readonly count: number; readonly epoch: bigint }
  /** `issuedNothing` is what the server said; without its word nobody knows. */
  | { readonly kind: "error"; readonly code: string; readonly issuedNothing: boolean };

/** One call as its caller saw it. Instants are of the shared clock. */
export interface RecordedCall {
  /** A caller that makes one call at a time. */
  readonly client: string;
  readonly begin: number;
  readonly end: number;
  /** The only server that this caller asks; undefined for a client that looks for the leader itself. */
  readonly pinnedTo: number | undefined;
  readonly result: CallResult;
}
