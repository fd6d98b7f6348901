// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions } from "node:tls";
import { JournalError } from "@tsoracle/consensus";

/** How to get in; for all nodes, or for one, which wins. Both win over what a URL says. */
export interface RedisJournalAccess {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For `rediss://` nodes, as of `node:tls`: `ca`, `cert`, `key`, `servername`. Certificates are always verified. */
  readonly tls?: ConnectionOptions | undefined;
}

export type RedisJournalNode = string | ({ readonly url: string } & RedisJournalAccess);

/** Where a node is, and how to get in. */
export interface NodeAddress {
  /** `host:port`, for messages: never a password. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: ConnectionOptions | undefined;
}

/** @throws JournalError `invalid`: empty, malformed, or the same address twice. */
export function parseNodes(specs: readonly RedisJournalNode[], access: RedisJournalAccess): readonly NodeAddress[] {
  if (!Array.isArray(specs) || specs.length === 0) throw refused("expected a list of Redis URLs, got none");
  const addresses = specs.map((spec, index) => parseNode(spec, index, access));
  const labels = addresses.map(({ label }) => label);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) {
    throw refused(`${twice} is named twice: each node is an independent server with one vote, whatever its database`);
  }
  if (new Set(addresses.map(({ db }) => db)).size > 1) {
    throw refused("expected the same database number for every node, got several");
  }
  return addresses;
}

function parseNode(spec: RedisJournalNode, index: number, access: RedisJournalAccess): NodeAddress {
  const { url: text, ...own }: { readonly url: string } & RedisJournalAccess =
    typeof spec === "string" ? { url: spec } : spec;
  const where = `node ${index + 1}`;
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "redis:" && url.protocol !== "rediss:") || url.hostname === "") {
    throw refused(`${where}: expected redis://host:port or rediss://host:port`);
  }
  const [, database] = /^\/?([0-9]{0,4})$/.exec(url.pathname) ?? [];
  if (database === undefined || url.search !== "" || url.hash !== "") {
    throw refused(`${where}: expected nothing after the port but a database number, got ${url.pathname}${url.search}`);
  }
  const tls = own.tls ?? access.tls;
  const isTls = url.protocol === "rediss:";
  if (!isTls && own.tls !== undefined) throw refused(`${where}: tls needs rediss://, got redis://`);
  if (tls?.rejectUnauthorized === false) {
    throw refused(`${where}: tls.rejectUnauthorized: false is refused; give the certificate authority as tls.ca`);
  }
  const port = url.port === "" ? 6379 : Number(url.port);
  return {
    label: `${url.hostname}:${port}`,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    db: Number(database),
    username: own.username ?? access.username ?? given(url.username, where),
    password: own.password ?? access.password ?? given(url.password, where),
    tls: isTls ? (tls ?? {}) : undefined,
  };
}

/** A part of a URL; it may be secret, so that no message repeats it. */
function given(part: string, where: string): string | undefined {
  try {
    return part === "" ? undefined : decodeURIComponent(part);
  } catch {
    throw refused(`${where}: the user name or password in the URL has a broken % escape; write % as %25`);
  }
}

function refused(message: string): JournalError {
  return new JournalError("invalid", `nodes: ${message}`);
}
