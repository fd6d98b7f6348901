// SPDX-License-Identifier: Apache-2.0
import type { BoundAddress, ListenAddress } from "./address.ts";
import type { ServerEnd } from "./finish.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { NiceGrpcServer, NiceGrpcService } from "./nice-grpc.ts";
import { resolveOptions, type ServerOptions } from "./options.ts";
import type { ServingState } from "./serving-state.ts";

/**
 * One timestamp oracle server. It follows its driver's leadership from the first `listen`, `mount`
 * or `start` on, serves while it is leader and fenced in, and refuses otherwise.
 */
export interface TsoServer extends AsyncDisposable {
  /**
   * Binds the gRPC port, and the side port if one was asked for, then starts to follow leadership:
   * a server that cannot bind never takes leadership from one that serves.
   *
   * @throws TypeError for a malformed address, the system's error when the port cannot be bound.
   */
  listen(address: ListenAddress): Promise<BoundAddress>;
  /** Starts to follow leadership; for servers that are mounted. Idempotent. */
  start(): void;
  /** Adds all services to a nice-grpc server, before that one listens, and starts. */
  mount(server: NiceGrpcServer): void;
  /** The services as nice-grpc definitions and implementations, for those who wrap or filter them. */
  niceGrpcServices(): readonly NiceGrpcService[];
  /** Binds the side port where `listen` is not used. Resolves to its address, again if bound already. */
  openSidePort(): Promise<BoundAddress>;
  /** Where the side port is bound. */
  readonly sideAddress: BoundAddress | undefined;
  readonly state: ServingState;
  /** The current state, then the newest after each change, until the signal aborts or the server has ended. */
  subscribe(options: { readonly signal: AbortSignal }): AsyncIterable<ServingState>;
  readonly metrics: ServerMetrics;
  /** Resolves when the server has ended, and says why. It never rejects. */
  readonly finished: Promise<ServerEnd>;
  /**
   * Ends in good order: refuses at once, hands leadership over if the driver can, ends streams with
   * the NOT_LEADER status, lets calls finish within the grace period. Idempotent; resolves to what
   * `finished` resolves to. The driver stays open: whoever opened it disposes it.
   */
  shutdown(reason?: string): Promise<ServerEnd>;
}

/** Builds a server. Nothing is bound and no driver call is made yet. @throws ServerOptionError */
export function createServer(options: ServerOptions): TsoServer {
  resolveOptions(options);
  throw new Error("the serving parts of this package are being added; only its types can be used yet");
}
