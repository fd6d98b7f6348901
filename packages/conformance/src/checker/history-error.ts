// SPDX-License-Identifier: Apache-2.0

/**
 * - `malformed_call`: a call that no client can have observed; the history was recorded wrongly.
 * - `client_not_sequential`: calls of one client overlap, or were given out of program order.
 * - `history_too_large`: more calls than an exhaustive search is meant for.
 */
export type HistoryErrorCode = "malformed_call" | "client_not_sequential" | "history_too_large";

/** The history cannot be judged because of how it was recorded. Says nothing about the oracle. */
export class HistoryError extends Error {
  override readonly name: string = "HistoryError";
  readonly code: HistoryErrorCode;

  constructor(code: HistoryErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
