// SPDX-License-Identifier: Apache-2.0
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { JournalError } from "@tsoracle/consensus";

/** How to be sure of the server. There is no way to use TLS without verifying the certificate. */
export interface PostgresJournalTls {
  /** Certificates to trust, in PEM. @defaultValue those that Node trusts */
  readonly ca?: string | Buffer | undefined;
  /** Client certificate and its key, in PEM. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name that the certificate must carry. @defaultValue the host */
  readonly serverName?: string | undefined;
}

export interface PostgresAddressOptions {
  /**
   * `postgres://user:password@host:port/database`, or several: the servers of one cluster, tried in turn until one is
   * the primary. The only parameter is `sslmode`, which must be `disable` or `verify-full`.
   */
  readonly url: string | readonly string[];
  /** Instead of the password of the URL; a function is asked at each connection, so that a password may rotate. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  /** Use TLS; `true` with the certificates that Node trusts. @defaultValue by the `sslmode` of the URL, else without */
  readonly tls?: PostgresJournalTls | boolean | undefined;
}

/** One server and whom to be on it. */
export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: PostgresAddressOptions["password"];
  readonly ssl: ConnectionOptions | false;
}

/** @throws JournalError `invalid` that says what was expected; passwords are not repeated. */
export function parseTargets(options: PostgresAddressOptions): readonly PostgresTarget[] {
  const urls = typeof options.url === "string" ? [options.url] : options.url;
  if (!Array.isArray(urls) || urls.length === 0) {
    throw new JournalError("invalid", "url: expected a postgres:// URL or a list of them, got none");
  }
  return urls.map((url) => parseTarget(url, options));
}

function parseTarget(text: unknown, { password, tls }: PostgresAddressOptions): PostgresTarget {
  const url = parseUrl(text);
  // Names of databases and users must be there: what a client guesses from its environment is somebody else's.
  const database = decoded(url.pathname.slice(1));
  const user = decoded(url.username);
  if (user === "") throw expectedUrl("it names no user");
  if (database === "" || database.includes("/")) throw expectedUrl("it names no database");
  const host = decoded(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  return {
    host,
    port: url.port === "" ? 5432 : Number(url.port),
    database,
    user,
    password: password ?? (url.password === "" ? undefined : decoded(url.password)),
    ssl: tlsOf(host, sslMode(url), tls),
  };
}

function parseUrl(text: unknown): URL {
  if (typeof text !== "string" || !URL.canParse(text)) {
    throw expectedUrl("it is no URL; give several hosts as several URLs");
  }
  const url = new URL(text);
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") {
    throw expectedUrl(`it begins with ${url.protocol}`);
  }
  if (url.hostname === "") throw expectedUrl("it names no host");
  for (const name of url.searchParams.keys()) {
    if (name !== "sslmode") throw expectedUrl(`it has the parameter "${name}", and only sslmode is understood`);
  }
  return url;
}

function sslMode(url: URL): "disable" | "verify-full" | undefined {
  const mode = url.searchParams.get("sslmode");
  if (mode === null || mode === "disable" || mode === "verify-full") return mode ?? undefined;
  throw expectedUrl(`its sslmode is "${mode}"; use verify-full, which checks the certificate, or disable`);
}

function tlsOf(
  host: string,
  mode: "disable" | "verify-full" | undefined,
  tls: PostgresJournalTls | boolean | undefined,
): ConnectionOptions | false {
  const wanted = tls === undefined ? mode === "verify-full" : tls !== false;
  if (mode !== undefined && wanted !== (mode === "verify-full")) {
    throw new JournalError("invalid", `tls and the sslmode of the URL (${mode}) contradict each other: take one away`);
  }
  if (!wanted) return false;
  const { ca, cert, key, serverName } = typeof tls === "object" ? tls : {};
  if ((cert === undefined) !== (key === undefined)) {
    throw new JournalError("invalid", "tls: expected cert and key together, got only one of them");
  }
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? (isIP(host) === 0 ? { servername: host } : { host }) : { servername: serverName }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw expectedUrl("it has a broken % escape");
  }
}

function expectedUrl(why: string): JournalError {
  return new JournalError("invalid", `url: expected postgres://user:password@host:port/database, but ${why}`);
}
