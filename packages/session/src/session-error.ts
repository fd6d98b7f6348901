// SPDX-License-Identifier: Apache-2.0

/**
 * Every way in which a value can be refused by the model. The list is closed and under semver. In each case
 * the session is as it was.
 *
 * | code | meaning | what the caller may do |
 * | --- | --- | --- |
 * | `id_invalid` | an id, owner or store is empty, too long, ill-formed or contains U+0000 | choose another |
 * | `text_invalid` | a route or reason is no string, too long, ill-formed or contains U+0000 | correct the call |
 * | `number_out_of_range` | a time, budget, interval or delta is no integer in its range, or the counter would leave it | correct the call |
 * | `epoch_out_of_range` | an epoch outside 64 bits, or one of a fence below 1 | look where the epoch came from |
 * | `variant_unknown` | a backend, policy, lifecycle or entry that does not exist | correct the call, or the stored data |
 * | `secret_too_short` | a key for tokens that can be guessed | use at least 16 random bytes |
 * | `backend_unfit` | the backend cannot do what was asked of it | choose another backend, or do not ask |
 * | `state_diverged` | the journal and the snapshot do not tell the same story | stop and recover from the store |
 * | `option_invalid` | an option of a manager is not what it must be | correct the call |
 */
export type SessionErrorCode =
  | "id_invalid"
  | "text_invalid"
  | "number_out_of_range"
  | "epoch_out_of_range"
  | "variant_unknown"
  | "secret_too_short"
  | "backend_unfit"
  | "state_diverged"
  | "option_invalid";

const brand = "@tsoracle/session.SessionError";

/**
 * A value outside its domain; nothing changed. It is a `RangeError` too. A refused claim to own a session is
 * not an exception but a value: `OwnershipError`. `instanceof` works across copies of this package.
 */
export class SessionError extends RangeError {
  override readonly name = "SessionError";
  readonly code: SessionErrorCode;
  protected readonly "@tsoracle/session.SessionError" = true;

  constructor(code: SessionErrorCode, message: string) {
    super(`[${code}] ${message}`);
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this test and must not claim every SessionError.
    if (this !== SessionError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }
}
