// SPDX-License-Identifier: Apache-2.0

/** Where a port is bound. `toString()` gives `host:port`, with brackets around an IPv6 host. */
export class BoundAddress {
  readonly host: string;
  readonly port: number;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  toString(): string {
    return this.host.includes(":") ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }
}

/** Where to listen: `"host:port"`, `"[::1]:50551"`, or the two parts. Port 0 takes a free one. */
export type ListenAddress = string | { readonly host: string; readonly port: number };

/** Splits and checks an address. @throws TypeError saying what was expected and what came. */
export function parseListenAddress(address: ListenAddress): { readonly host: string; readonly port: number } {
  if (typeof address !== "string") return checked(address.host, address.port, `${address.host}:${address.port}`);
  const colon = address.lastIndexOf(":");
  const host = colon < 0 ? "" : address.slice(0, colon);
  const port = address.slice(colon + 1);
  return checked(host.replace(/^\[(.*)\]$/, "$1"), /^[0-9]{1,5}$/.test(port) ? Number(port) : Number.NaN, address);
}

function checked(host: string, port: number, given: string): { readonly host: string; readonly port: number } {
  if (host !== "" && Number.isInteger(port) && port >= 0 && port <= 65_535) return { host, port };
  throw new TypeError(`expected an address "host:port" with a port from 0 to 65535, got ${JSON.stringify(given)}`);
}
