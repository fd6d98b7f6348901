// SPDX-License-Identifier: Apache-2.0
import { type ChannelCredentials, Client, connectivityState, Metadata } from "@grpc/grpc-js";
import { grpcService, TsoServiceDefinition } from "@tsoracle/proto";
import type { ClientMetrics } from "./client-metrics.ts";
import { type RpcFailure, STATUS } from "./rpc-failure.ts";
import { SharedDial } from "./shared-dial.ts";
import { connectFailure, connectTimeout } from "./status-failure.ts";
import type { Target } from "./target.ts";

const probeMethod = grpcService(TsoServiceDefinition).getCurrentMaxSafe;
const PROBE_MS = 500;

/** The gRPC channel for unary calls to one server. Nothing is dialled before it is asked for. */
export class CallChannel {
  readonly client: Client;
  readonly #target: Target;
  readonly #metrics: ClientMetrics;
  readonly #dialing: SharedDial;

  constructor(target: Target, credentials: ChannelCredentials, serverName: string | undefined, metrics: ClientMetrics) {
    this.#target = target;
    this.#metrics = metrics;
    this.#dialing = new SharedDial(target, (budgetMs) => this.#dial(budgetMs));
    this.client = new Client(`dns:${target.address}`, credentials, {
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.keepalive_permit_without_calls": 1,
      // Evicting a channel must drop its connection, so connections are not shared between channels.
      "grpc.use_local_subchannel_pool": 1,
      // Who is asked again, and when, is decided in one place: the retry plan.
      "grpc.enable_retries": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.enable_http_proxy": 0,
      ...(serverName === undefined
        ? {}
        : { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName }),
    });
  }

  get ready(): boolean {
    return this.client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Connects, if it is not connected. Resolves to the failure, or to undefined; never rejects. */
  async dial(budgetMs: number): Promise<RpcFailure | undefined> {
    return this.ready ? undefined : this.#dialing.run(budgetMs);
  }

  close(): void {
    this.client.close();
  }

  async #dial(budgetMs: number): Promise<RpcFailure | undefined> {
    const startedAt = performance.now();
    const deadline = Date.now() + budgetMs;
    const channel = this.client.getChannel();
    try {
      for (;;) {
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY) {
          this.#metrics.observe("tsoracle.client.connect.duration", (performance.now() - startedAt) / 1000);
          return undefined;
        }
        if (state === connectivityState.SHUTDOWN) return this.#unreachable("the channel was closed");
        if (state === connectivityState.TRANSIENT_FAILURE) return await this.#explain();
        const changed = await new Promise<boolean>((resolve) => {
          channel.watchConnectivityState(state, deadline, (error) => resolve(error === undefined));
        });
        if (!changed) {
          this.#metrics.count("tsoracle.client.connect.failures.total");
          return connectTimeout(this.#target, budgetMs);
        }
      }
    } catch (error) {
      return this.#unreachable(error instanceof Error ? error.message : String(error));
    }
  }

  /** A channel does not say why it cannot connect; a call over it does. This one changes nothing on the server. */
  #explain(): Promise<RpcFailure | undefined> {
    return new Promise((resolve) => {
      this.client.makeUnaryRequest(
        probeMethod.path,
        probeMethod.requestSerialize,
        probeMethod.responseDeserialize,
        {},
        new Metadata(),
        { deadline: Date.now() + PROBE_MS },
        (error) => {
          const unreachable = error !== null && error.code === STATUS.UNAVAILABLE;
          resolve(
            unreachable || !this.ready ? this.#unreachable(error?.details ?? "connection lost", error) : undefined,
          );
        },
      );
    });
  }

  #unreachable(message: string, cause?: unknown): RpcFailure {
    this.#metrics.count("tsoracle.client.connect.failures.total");
    return connectFailure(this.#target, message, cause);
  }
}
