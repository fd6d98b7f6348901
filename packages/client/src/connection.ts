// SPDX-License-Identifier: Apache-2.0
import type { ChannelCredentials } from "@grpc/grpc-js";
import { CallChannel } from "./call-channel.ts";
import type { ClientMetrics } from "./client-metrics.ts";
import type { ClientTlsOptions } from "./client-options.ts";
import type { RpcFailure } from "./rpc-failure.ts";
import { SharedDial } from "./shared-dial.ts";
import { connectFailure, connectTimeout } from "./status-failure.ts";
import { StreamSession } from "./stream-session.ts";
import type { Target } from "./target.ts";
import type { TimestampStream } from "./timestamp-stream.ts";

export interface ConnectionParts {
  readonly target: Target;
  readonly tls: ClientTlsOptions | undefined;
  readonly credentials: ChannelCredentials;
  readonly metrics: ClientMetrics;
}

/**
 * What leads to one server: a session for the timestamp stream, and a channel for every other call.
 * Each is dialled when it is first needed.
 */
export class Connection {
  readonly target: Target;
  readonly calls: CallChannel;
  /** The open stream for timestamps, owned by `requestTimestamps`. */
  stream: TimestampStream | undefined;
  /** The server has no stream service: it is asked call by call for as long as this connection lives. */
  streamUnsupported = false;
  readonly #tls: ClientTlsOptions | undefined;
  readonly #metrics: ClientMetrics;
  readonly #dialing: SharedDial;
  readonly #closed = new AbortController();
  #session: StreamSession | undefined;

  constructor({ target, tls, credentials, metrics }: ConnectionParts) {
    this.target = target;
    this.#tls = tls;
    this.#metrics = metrics;
    this.calls = new CallChannel(target, credentials, target.secure ? tls?.serverName : undefined, metrics);
    this.#dialing = new SharedDial(target, (budgetMs) => this.#dial(budgetMs));
  }

  /** The session, while new streams may be opened on it. */
  get session(): StreamSession | undefined {
    return this.#session?.usable === true ? this.#session : undefined;
  }

  /** Opens a session, if there is none. Resolves to the failure, or to undefined; never rejects. */
  async dialSession(budgetMs: number): Promise<RpcFailure | undefined> {
    return this.session === undefined ? this.#dialing.run(budgetMs) : undefined;
  }

  close(): void {
    this.#closed.abort();
    this.stream?.cancel("the connection was closed");
    this.#session?.close();
    this.calls.close();
  }

  async #dial(budgetMs: number): Promise<RpcFailure | undefined> {
    const startedAt = performance.now();
    const tooLate = AbortSignal.timeout(Math.max(1, Math.ceil(budgetMs)));
    try {
      const signal = AbortSignal.any([tooLate, this.#closed.signal]);
      const session = await StreamSession.connect(this.target, this.#tls, signal);
      // Closing may have come between the end of the dial and this line, and must find nothing left open.
      if (this.#closed.signal.aborted) {
        session.close();
        return this.#wasClosed();
      }
      // The one before has no stream any more, or there would have been no dial.
      this.#session?.close();
      this.#session = session;
      this.#metrics.observe("tsoracle.client.connect.duration", (performance.now() - startedAt) / 1000);
      return undefined;
    } catch (error) {
      this.#metrics.count("tsoracle.client.connect.failures.total");
      if (this.#closed.signal.aborted) return this.#wasClosed();
      if (tooLate.aborted) return connectTimeout(this.target, budgetMs);
      return connectFailure(this.target, error instanceof Error ? error.message : String(error), error);
    }
  }

  #wasClosed(): RpcFailure {
    return connectFailure(this.target, "the connection was closed");
  }
}
