// SPDX-License-Identifier: Apache-2.0
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { invalid } from "./invalid.ts";

/** Asked at each connection, so that a password may rotate. */
export type PasswordSource = string | (() => string | Promise<string>);

/** How to be sure of the server. There is no way to use TLS without verifying the certificate. */
export interface PostgresTls {
  /** Certificates to trust, in PEM. @defaultValue those that Node trusts */
  readonly ca?: string | Buffer | undefined;
  /** Client certificate and its key, in PEM. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name that the certificate must carry. @defaultValue the host */
  readonly serverName?: string | undefined;
}

/** One Postgres server and whom to be on it. */
export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: PasswordSource | undefined;
  readonly ssl: ConnectionOptions | false;
}

export interface TargetOptions {
  /**
   * `postgres://user:password@host:port/database`, or several: the servers of one cluster, tried in turn until one is
   * the primary. The only parameter is `sslmode`, which must be `disable` or `verify-full`.
   */
  readonly url: string | readonly string[];
  /** Instead of the password of the URL. */
  readonly password?: PasswordSource | undefined;
  /** Use TLS; `true` with the certificates that Node trusts. @defaultValue by the `sslmode` of the URL, else without */
  readonly tls?: PostgresTls | boolean | undefined;
}

const DEFAULT_PORT = 5432;

/** @throws ConsensusError `permanent` that says what was expected; passwords are not repeated. */
export function parseTargets(options: TargetOptions): readonly PostgresTarget[] {
  const urls = typeof options.url === "string" ? [options.url] : options.url;
  if (!Array.isArray(urls) || urls.length === 0) {
    throw invalid("expected url to be a postgres:// URL or a list of them, got none");
  }
  return urls.map((url) => parseTarget(url, options));
}

function parseTarget(text: string, { password, tls }: TargetOptions): PostgresTarget {
  const url = parseUrl(text);
  // Names of databases and users must be there: what a client guesses from its environment is somebody else's.
  const database = decode(url.pathname.slice(1));
  const user = decode(url.username);
  if (user === "") throw expectedUrl("it names no user");
  if (database === "" || database.includes("/")) throw expectedUrl("it names no database");
  const host = decode(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  return {
    host,
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    database,
    user,
    password: password ?? (url.password === "" ? undefined : decode(url.password)),
    ssl: tlsOf(host, sslMode(url), tls),
  };
}

function parseUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw expectedUrl("it is no URL; give several hosts as several URLs");
  }
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
  if (mode === null) return undefined;
  if (mode === "disable" || mode === "verify-full") return mode;
  throw expectedUrl(`its sslmode is "${mode}"; use verify-full, which checks the certificate, or disable`);
}

function tlsOf(
  host: string,
  mode: "disable" | "verify-full" | undefined,
  tls: PostgresTls | boolean | undefined,
): ConnectionOptions | false {
  const wanted = tls === undefined ? mode === "verify-full" : tls !== false;
  if (wanted && mode === "disable") throw invalid("tls is on, but the sslmode of the URL is disable: take one away");
  if (!wanted && mode === "verify-full") throw invalid("tls is off, but the sslmode of the URL is verify-full");
  if (!wanted) return false;
  const { ca, cert, key, serverName } = typeof tls === "object" ? tls : {};
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid("expected tls.cert and tls.key together, got only one of them");
  }
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? (isIP(host) === 0 ? { servername: host } : { host }) : { servername: serverName }),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw expectedUrl("it has a broken % escape");
  }
}

function expectedUrl(why: string): Error {
  return invalid(`expected url as postgres://user:password@host:port/database, but ${why}`);
}
