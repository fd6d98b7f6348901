// SPDX-License-Identifier: Apache-2.0
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { ClientError } from "./client-error.ts";
import type { ClientMetrics } from "./client-metrics.ts";
import type { ClientTlsOptions, Pem } from "./client-options.ts";
import { Connection } from "./connection.ts";
import type { Target } from "./target.ts";

/** Connections kept to servers that only hints have named: hints come from peers, so they must not grow without bound. */
const MAX_HINTED = 32;

function buffer(pem: Pem | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function secureCredentials(tls: ClientTlsOptions): ChannelCredentials {
  try {
    return credentials.createSsl(buffer(tls.ca), buffer(tls.key), buffer(tls.cert));
  } catch (error) {
    throw new ClientError(
      "invalid_options",
      `expected tls.ca, tls.cert and tls.key as matching PEM: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** One channel for each server that was asked. */
export class ConnectionPool {
  readonly #configured: ReadonlySet<string>;
  readonly #plaintext: ChannelCredentials = credentials.createInsecure();
  /** Absent when nobody will ever be spoken to over TLS. */
  readonly #secure: ChannelCredentials | undefined;
  readonly #tls: ClientTlsOptions | undefined;
  readonly #metrics: ClientMetrics;
  readonly #connections = new Map<string, Connection>();

  /** @throws ClientError `invalid_options` when the certificates cannot be read. */
  constructor(targets: readonly Target[], tls: ClientTlsOptions | undefined, metrics: ClientMetrics) {
    this.#configured = new Set(targets.map(({ key }) => key));
    this.#tls = tls;
    this.#metrics = metrics;
    if (tls !== undefined || targets.some(({ secure }) => secure)) this.#secure = secureCredentials(tls ?? {});
  }

  get(target: Target): Connection {
    const existing = this.#connections.get(target.key);
    if (existing !== undefined) return existing;
    const connection = new Connection({
      target,
      tls: this.#tls,
      credentials: target.secure ? (this.#secure ?? secureCredentials({})) : this.#plaintext,
      metrics: this.#metrics,
    });
    this.#connections.set(target.key, connection);
    this.#trim();
    return connection;
  }

  /** Drops a channel after a transport failure, unless another call has already replaced it. */
  evict(connection: Connection): void {
    const { key } = connection.target;
    if (this.#connections.get(key) !== connection) return;
    this.#connections.delete(key);
    connection.close();
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #trim(): void {
    const hinted = [...this.#connections.values()].filter(({ target }) => !this.#configured.has(target.key));
    for (const connection of hinted.slice(0, Math.max(0, hinted.length - MAX_HINTED))) this.evict(connection);
  }
}
