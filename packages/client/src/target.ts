// SPDX-License-Identifier: Apache-2.0
import { parsePeerEndpoint } from "@tsoracle/core";
import { ClientError } from "./client-error.ts";

/** One server, and whether it is spoken to over TLS. */
export interface Target {
  /** Identifies the target: scheme and address. */
  readonly key: string;
  /** `host:port`. */
  readonly address: string;
  readonly secure: boolean;
}

/** Longest `host:port` that a hint may name; no host name of the DNS is longer (`postgres-redis.md` 2.8). */
const MAX_HINT_LENGTH = 255;

/** What can stand in no host name and would change the meaning of an address. */
const FOREIGN = /[\s\p{Cc}/?#@]/u;

export function targetOf(address: string, secure: boolean): Target {
  return { key: `${secure ? "https" : "http"}://${address}`, address, secure };
}

/**
 * Reads one configured endpoint. A bare `host:port` is plaintext, or TLS when the client has TLS
 * settings; a scheme that the operator wrote is kept (`tsoracle-behaviour.md` 5.4).
 *
 * @throws ClientError `invalid_endpoint`.
 */
export function parseTarget(text: string, tls: boolean): Target {
  const scheme = /^(https?):\/\//.exec(text)?.[1];
  const bare = scheme === undefined ? text : text.slice(scheme.length + 3).replace(/\/$/, "");
  const parsed = parsePeerEndpoint(bare);
  if (!parsed.ok || FOREIGN.test(bare)) {
    throw new ClientError(
      "invalid_endpoint",
      `expected an endpoint as "host:port", optionally after http:// or https://, got ${JSON.stringify(text)}`,
    );
  }
  return targetOf(parsed.endpoint, scheme === undefined ? tls : scheme === "https");
}

/** @throws ClientError `no_reachable_endpoints` for an empty list, `invalid_endpoint` for a bad item. */
export function parseTargets(endpoints: readonly string[], tls: boolean): readonly Target[] {
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw new ClientError("no_reachable_endpoints", 'expected at least one endpoint as "host:port", got an empty list');
  }
  const byKey = new Map<string, Target>();
  for (const text of endpoints) {
    const target = parseTarget(String(text), tls);
    byKey.set(target.key, target);
  }
  return [...byKey.values()];
}

/** Whether a hint may be followed. A peer can neither choose the scheme nor make a TLS client speak plaintext. */
export function targetOfHint(text: string, tls: boolean): { readonly target: Target } | { readonly refused: string } {
  if (text.length > MAX_HINT_LENGTH) {
    return { refused: `expected at most ${MAX_HINT_LENGTH} characters, got ${text.length}` };
  }
  const parsed = parsePeerEndpoint(text);
  if (!parsed.ok) return { refused: parsed.message };
  if (FOREIGN.test(text)) return { refused: `expected "host:port", got ${JSON.stringify(text)}` };
  return { target: targetOf(parsed.endpoint, tls) };
}
