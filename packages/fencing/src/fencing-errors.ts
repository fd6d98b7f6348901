// SPDX-License-Identifier: Apache-2.0

/** Every way in which a value can be refused by a fence. The list is closed and under semver. */
export type FenceValueErrorCode =
  | "epoch_out_of_range"
  | "epoch_malformed"
  | "id_invalid"
  | "ballot_out_of_range"
  | "ballots_exhausted"
  | "required_acks_too_few"
  | "identifier_invalid";

/**
 * Every way in which a durable fence can fail to answer. The list is closed and under semver.
 *
 * | code | meaning | what the caller may do |
 * | --- | --- | --- |
 * | `not_persisted` | the promise is not known to be durable; it was not accepted, and may still surface later | treat as refused; retry the same epoch and owner |
 * | `unavailable` | the store could not be read, so nothing can be judged | as above, once the store is back |
 * | `store_regressed` | the store holds less than it confirmed before | stop and find out who restored or edited it |
 * | `store_malformed` | the store holds or answers something that is no fence record | stop and repair the store |
 */
export type FenceStoreErrorCode = "not_persisted" | "unavailable" | "store_regressed" | "store_malformed";

const valueBrand = "@tsoracle/fencing.FenceValueError";
const storeBrand = "@tsoracle/fencing.FenceStoreError";

function isBranded(value: unknown, brand: string): boolean {
  return typeof value === "object" && value !== null && brand in value;
}

/**
 * A value outside its domain; nothing moved. It is a `RangeError` too. `instanceof` works across
 * copies of this package.
 */
export class FenceValueError extends RangeError {
  override readonly name = "FenceValueError";
  readonly code: FenceValueErrorCode;
  protected readonly "@tsoracle/fencing.FenceValueError" = true;

  constructor(code: FenceValueErrorCode, message: string) {
    super(`[${code}] ${message}`);
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this test and must not claim every FenceValueError.
    if (this !== FenceValueError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return isBranded(value, valueBrand);
  }
}

/** A durable fence that could not answer; the claim was not accepted. `instanceof` works across copies of this package. */
export class FenceStoreError extends Error {
  override readonly name = "FenceStoreError";
  readonly code: FenceStoreErrorCode;
  protected readonly "@tsoracle/fencing.FenceStoreError" = true;

  constructor(code: FenceStoreErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this test and must not claim every FenceStoreError.
    if (this !== FenceStoreError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return isBranded(value, storeBrand);
  }
}
