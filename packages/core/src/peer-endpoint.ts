// SPDX-License-Identifier: Apache-2.0
import { CoreError, type CoreErrorCode } from "./core-error.ts";

declare const proof: unique symbol;

/**
 * Where clients reach a server: `host:port` without a scheme, port 1 to 65535. Serialised as the
 * plain string and checked again wherever it is read.
 */
export type PeerEndpoint = string & { readonly [proof]: "PeerEndpoint" };

/** What {@link parsePeerEndpoint} found: the endpoint, or the first check that failed. */
export type PeerEndpointResult =
  | { readonly ok: true; readonly endpoint: PeerEndpoint }
  | { readonly ok: false; readonly code: CoreErrorCode; readonly message: string };

const expected = 'expected "host:port" with a port from 1 to 65535';

/**
 * Checks in the order of `tsoracle-behaviour.md` 1.3: empty, scheme, port present, host present,
 * port in range. The split is at the last colon, so `[::1]:50551` works; the host's own syntax is
 * not checked.
 */
export function parsePeerEndpoint(text: string): PeerEndpointResult {
  const refuse = (code: CoreErrorCode, why: string): PeerEndpointResult => ({
    ok: false,
    code,
    message: `${expected}, got ${JSON.stringify(text)}: ${why}`,
  });
  if (text === "") return refuse("endpoint_empty", "it is empty");
  if (text.startsWith("http://") || text.startsWith("https://")) {
    return refuse("endpoint_scheme", "an endpoint carries no scheme");
  }
  const colon = text.lastIndexOf(":");
  if (colon < 0) return refuse("endpoint_missing_port", "there is no port");
  if (colon === 0) return refuse("endpoint_empty_host", "the host is empty");
  const port = text.slice(colon + 1);
  if (!/^[0-9]{1,5}$/.test(port)) return refuse("endpoint_invalid_port", "the port is not a number");
  const number = Number(port);
  if (number === 0 || number > 65_535) return refuse("endpoint_invalid_port", `port ${port} is out of range`);
  return { ok: true, endpoint: text as PeerEndpoint };
}

/**
 * The checked constructor.
 *
 * @throws CoreError with one of the `endpoint_*` codes.
 */
export function peerEndpoint(text: string): PeerEndpoint {
  const result = parsePeerEndpoint(text);
  if (result.ok) return result.endpoint;
  throw new CoreError(result.code, result.message);
}
