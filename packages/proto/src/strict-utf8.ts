// SPDX-License-Identifier: Apache-2.0
import { WireError } from "./wire-error.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes a string field. The usual decoder puts U+FFFD in the place of what is no UTF-8 and drops a
 * byte order mark, so that different sequence keys would become one, and a hint could name a host
 * that nobody sent.
 *
 * @throws WireError `malformed`.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch (error) {
    throw new WireError("malformed", "expected a string field as UTF-8, got other bytes", { cause: error });
  }
}
