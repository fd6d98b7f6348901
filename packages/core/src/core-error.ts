// SPDX-License-Identifier: Apache-2.0

/** Every way in which a value can be refused by the core. The list is closed and under semver. */
export type CoreErrorCode =
  | "physical_ms_out_of_range"
  | "logical_out_of_range"
  | "timestamp_out_of_range"
  | "timestamp_malformed"
  | "epoch_out_of_range"
  | "endpoint_empty"
  | "endpoint_scheme"
  | "endpoint_missing_port"
  | "endpoint_empty_host"
  | "endpoint_invalid_port"
  | "invalid_count"
  | "clock_out_of_range"
  | "leader_epoch_regressed";

const brand = "@tsoracle/core.CoreError";

/**
 * A value that is not what it must be. The message says what was expected and what came.
 *
 * `instanceof` works across copies of this package.
 */
export class CoreError extends Error {
  override readonly name = "CoreError";
  readonly code: CoreErrorCode;
  /** Marks instances for `instanceof` across copies of the package. */
  protected readonly "@tsoracle/core.CoreError" = true;

  constructor(code: CoreErrorCode, message: string) {
    super(`[${code}] ${message}`);
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this test and must not claim every CoreError.
    if (this !== CoreError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }
}
