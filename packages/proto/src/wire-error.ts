// SPDX-License-Identifier: Apache-2.0

/**
 * Why bytes or a message are not what the protocol says. The list is closed and under semver.
 *
 * - `malformed`: not a protobuf message of the expected type.
 * - `out_of_range`: a value that the wire cannot carry, refused before anything is written.
 * - `invalid_response`: a well-formed answer that does not answer the request.
 */
export type WireErrorCode = "malformed" | "out_of_range" | "invalid_response";

const brand = "@tsoracle/proto.WireError";

/** A breach of the wire protocol. `instanceof` works across copies of this package. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: WireErrorCode;
  protected readonly "@tsoracle/proto.WireError" = true;

  constructor(code: WireErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(`[${code}] ${message}`, options);
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }
}
