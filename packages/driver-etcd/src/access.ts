// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { invalid } from "./invalid.ts";

/** PEM texts. Certificates are always verified. */
export interface EtcdTls {
  /** Authorities to trust. @defaultValue those of Node */
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name that the members' certificates carry, where it is not their host. */
  readonly serverName?: string | undefined;
}

/** Where the cluster is, and how to get in. */
export interface EtcdAccess {
  /** Members, `http://host:port`, `https://host:port` or `host:port`; the driver moves on when one fails. */
  readonly endpoints: readonly string[];
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For `https://`; endpoints without a scheme are taken for `https://` when this is given. */
  readonly tls?: EtcdTls | undefined;
  /** The only cluster that is accepted, in hexadecimal as etcd shows it (G2). @defaultValue the one of `init` */
  readonly clusterId?: string | undefined;
}

export interface Endpoint {
  /** `host:port`, for messages and for the channel. */
  readonly address: string;
  readonly secure: boolean;
}

/** @throws ConsensusError `permanent` naming what cannot be used */
export function parseEndpoints(access: EtcdAccess): readonly Endpoint[] {
  const { endpoints: texts, tls } = access;
  if (!Array.isArray(texts) || texts.length === 0) throw invalid("expected endpoints as a list of members, got none");
  const endpoints = texts.map((text, index) => parseEndpoint(text, index, tls !== undefined));
  const addresses = endpoints.map(({ address }) => address);
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (twice !== undefined) throw invalid(`endpoints: ${twice} is named twice`);
  if (new Set(endpoints.map(({ secure }) => secure)).size > 1) {
    throw invalid("endpoints: expected the same scheme for all members, got http:// and https://");
  }
  if (tls !== undefined && !endpoints.every(({ secure }) => secure)) {
    throw invalid("tls is given, so expected https:// for every endpoint");
  }
  if (tls !== undefined) checkTls(tls);
  return endpoints;
}

/** Where it enters, because what reads it later ignores an authority that is none, and throws at the rest without words. */
function checkTls({ ca, cert, key }: EtcdTls): void {
  if ((cert === undefined) !== (key === undefined)) throw invalid("tls: expected cert and key together");
  try {
    if (ca !== undefined) new X509Certificate(ca);
  } catch (error) {
    throw invalid(`tls: expected ca as certificates in PEM: ${reasonOf(error)}`);
  }
  try {
    if (cert !== undefined && key !== undefined) createSecureContext({ cert, key });
  } catch (error) {
    throw invalid(`tls: expected cert and key as a certificate and its own key, in PEM: ${reasonOf(error)}`);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function parseEndpoint(text: unknown, index: number, secure: boolean): Endpoint {
  const which = `endpoint ${index + 1}`;
  if (typeof text !== "string") throw invalid(`${which}: expected http://host:port, got ${typeof text}`);
  const full = /^[a-z]+:\/\//i.test(text) ? text : `${secure ? "https" : "http"}://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") {
    throw invalid(`${which}: expected http://host:port or https://host:port, got something else`);
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(`${which}: expected no user and password in it; use the options username and password`);
  }
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    throw invalid(`${which}: expected nothing after the port`);
  }
  const port = url.port === "" ? (/:80$|:443$/.exec(text)?.[0].slice(1) ?? "2379") : url.port;
  return { address: `${url.hostname}:${port}`, secure: url.protocol === "https:" };
}
