// SPDX-License-Identifier: Apache-2.0

/** Where a server binds. Port 0 lets the system choose, unlike in the endpoint of a peer. */
export interface ListenAddress {
  /** A name or an address; IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
}

export type ListenAddressResult =
  | { readonly ok: true; readonly address: ListenAddress }
  | { readonly ok: false; readonly expected: string };

const EXPECTED = "expected HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:50551 or [::1]:0";

/**
 * Reads `HOST:PORT`. An IPv6 address must stand in brackets, because `::1:50551` is also a complete
 * address and nobody could tell which was meant.
 */
export function parseListenAddress(text: string): ListenAddressResult {
  const refused: ListenAddressResult = { ok: false, expected: EXPECTED };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) return refused;
  return { ok: true, address: { host, port } };
}

/** The inverse, with brackets where they are needed. */
export function formatListenAddress(address: ListenAddress): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
