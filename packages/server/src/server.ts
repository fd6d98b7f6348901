// SPDX-License-Identifier: Apache-2.0

import { type BoundAddress, type ListenAddress, parseListenAddress } from "./address.ts";
import { AdminPort } from "./admin/admin-port.ts";
import { within } from "./deadline.ts";
import { messageOf, type ServerEnd } from "./finish.ts";
import { addCommonServices, addOracleServices } from "./grpc-js-services.ts";
import { Health } from "./health.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Listener, limitedGrpcServer } from "./listener.ts";
import type { ServerMetrics } from "./metrics.ts";
import { type NiceGrpcServer, type NiceGrpcService, niceServices } from "./nice-grpc.ts";
import { type ResolvedOptions, resolveOptions, type ServerOptions } from "./options.ts";
import { Oracle } from "./oracle.ts";
import { CLIENT_SERVICES, type ReflectionParts, reflectionParts } from "./reflection.ts";
import type { ServingState } from "./serving-state.ts";
import { SidePort } from "./side-port.ts";
import type { StatusView } from "./status-page.ts";
import { systemTimers, type Timers } from "./timers.ts";

/**
 * One timestamp oracle server. It follows its driver's leadership from the first `listen`, `mount`
 * or `start` on, serves while it is leader and fenced in, and refuses otherwise.
 */
export interface TsoServer extends AsyncDisposable {
  /**
   * Binds the gRPC port, and the side and admin ports if they were asked for, then starts to follow leadership:
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
  /** Binds the admin port where `listen` is not used. Resolves to its address, again if bound already. */
  openAdminPort(): Promise<BoundAddress>;
  /** Where the admin port is bound. */
  readonly adminAddress: BoundAddress | undefined;
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
  return new OracleServer(resolveOptions(options), systemTimers);
}

/** The life of one server: bind, follow, end. What it serves is the oracle's business. */
class OracleServer implements TsoServer {
  readonly finished: Promise<ServerEnd>;
  readonly #options: ResolvedOptions;
  readonly #oracle: Oracle;
  readonly #heartbeat: Heartbeat;
  readonly #health: Health;
  readonly #reflection: ReflectionParts = reflectionParts(CLIENT_SERVICES);
  readonly #listeners: Listener[] = [];
  readonly #startedMs: number = performance.now();
  /** Aborted when serving has stopped for good, so that watchers of health end. */
  readonly #closing = new AbortController();
  #side: { readonly port: SidePort; readonly address: Promise<BoundAddress> } | undefined;
  #sideAddress: BoundAddress | undefined;
  #admin: { readonly port: AdminPort; readonly address: Promise<BoundAddress> } | undefined;
  #adminAddress: BoundAddress | undefined;
  readonly #ended = new AbortController();
  #resolveFinished: (end: ServerEnd) => void = () => undefined;
  #ending = false;

  constructor(options: ResolvedOptions, timers: Timers) {
    this.#options = options;
    this.finished = new Promise((resolve) => {
      this.#resolveFinished = resolve;
    });
    this.#oracle = new Oracle(options, timers, (fault) => {
      if (fault !== undefined) this.#end({ kind: "fault", error: fault });
    });
    const { metrics, logger, heartbeatIntervalMs: intervalMs } = options;
    const { watch, core } = this.#oracle;
    this.#health = new Health(core.state, this.#closing.signal);
    this.#heartbeat = new Heartbeat({ state: core.state, watch, metrics, logger, timers, intervalMs });
  }

  get state(): ServingState {
    return this.#oracle.core.state.current;
  }

  get metrics(): ServerMetrics {
    return this.#options.metrics;
  }

  subscribe(options: { readonly signal: AbortSignal }): AsyncIterable<ServingState> {
    return this.#oracle.core.state.read(AbortSignal.any([options.signal, this.#ended.signal]));
  }

  async listen(address: ListenAddress): Promise<BoundAddress> {
    const { host, port } = parseListenAddress(address);
    this.#refuseWhenEnding();
    const { limits, tls, logger } = this.#options;
    const grpc = limitedGrpcServer(limits);
    addOracleServices(grpc, this.#oracle, logger);
    addCommonServices(grpc, this.#health, this.#reflection, logger);
    if (this.#options.sidePort !== undefined) await this.openSidePort();
    if (this.#options.adminPort !== undefined) await this.openAdminPort();
    const listener = new Listener(grpc, limits, tls, logger);
    const bound = await listener.listen(host, port);
    this.#listeners.push(listener);
    if (this.#ending) await listener.drain(0);
    this.start();
    return bound;
  }

  openSidePort(): Promise<BoundAddress> {
    this.#refuseWhenEnding();
    const { metrics, driver, logger } = this.#options;
    if (this.#side === undefined) {
      const { host, port } = this.#options.sidePort ?? { host: "127.0.0.1", port: 0 };
      const side = new SidePort({ metrics, driver, logger, view: () => this.#view() });
      const address = side.listen(host, port).then((bound) => {
        this.#sideAddress = bound;
        return bound;
      });
      this.#side = { port: side, address };
      address.catch(() => {
        this.#side = undefined;
      });
    }
    return this.#side.address;
  }

  get sideAddress(): BoundAddress | undefined {
    return this.#sideAddress;
  }

  openAdminPort(): Promise<BoundAddress> {
    this.#refuseWhenEnding();
    const { adminPort: where, driver } = this.#options;
    if (where === undefined || driver.membership === undefined) {
      throw new TypeError("this server was created without the option adminPort");
    }
    if (this.#admin === undefined) {
      const port = new AdminPort(driver.membership, where, this.#options);
      const address = port.listen().then((bound) => {
        this.#adminAddress = bound;
        return bound;
      });
      this.#admin = { port, address };
      address.catch(() => {
        this.#admin = undefined;
      });
    }
    return this.#admin.address;
  }

  get adminAddress(): BoundAddress | undefined {
    return this.#adminAddress;
  }

  niceGrpcServices(): readonly NiceGrpcService[] {
    return niceServices(this.#oracle, this.#health, this.#reflection);
  }

  mount(server: NiceGrpcServer): void {
    this.#refuseWhenEnding();
    for (const { definition, implementation } of this.niceGrpcServices()) server.add(definition, implementation);
    this.start();
  }

  start(): void {
    this.#refuseWhenEnding();
    this.#oracle.start();
  }

  async shutdown(reason = "shutdown requested"): Promise<ServerEnd> {
    this.#end({ kind: "shutdown", reason });
    return this.finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown("disposed");
  }

  #refuseWhenEnding(): void {
    if (this.#ending) throw new Error("this server has ended or is ending; create another one");
  }

  /** The first end counts. Serving has stopped when this returns; the rest takes up to the grace period. */
  #end(end: ServerEnd): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#oracle.watch.stop();
    this.#oracle.endStreams();
    this.#oracle.keeper.stop();
    this.#closing.abort();
    const { logger } = this.#options;
    if (end.kind === "fault")
      logger.error({ code: end.error.code, error: end.error.message }, "the server stopped by itself");
    else logger.info({ reason: end.reason }, "shutting down");
    void this.#wind(end.kind === "fault" ? end.error.message : end.reason).then(() => {
      this.#heartbeat.stop();
      this.#ended.abort();
      this.#resolveFinished(end);
    });
  }

  /** Ends what is left, the side port last, so that the end can be watched. */
  async #wind(reason: string): Promise<void> {
    const { shutdownGraceMs, logger } = this.#options;
    const ports = [...this.#listeners, ...(this.#admin === undefined ? [] : [this.#admin.port])];
    const parts = [this.#handOver(reason), ...ports.map((port) => port.drain(shutdownGraceMs))];
    for (const outcome of await Promise.allSettled(parts)) {
      if (outcome.status === "rejected")
        logger.warn({ error: messageOf(outcome.reason) }, "shutting down met an error");
    }
    await this.#side?.port.close();
  }

  /** Gives up leadership in good order, then lets go of the driver. Each step has what is left of the grace. */
  async #handOver(reason: string): Promise<void> {
    const { driver, shutdownGraceMs, metrics, logger } = this.#options;
    const { watch, gate } = this.#oracle;
    const startedMs = performance.now();
    const left = (): number => Math.max(0, shutdownGraceMs - (performance.now() - startedMs));
    if (driver.resign !== undefined && shutdownGraceMs > 0) {
      const resigned = (async () => driver.resign?.(reason))().catch((error: unknown) => {
        logger.warn({ error: messageOf(error) }, "handing over leadership failed");
      });
      if (!(await within(left(), resigned))) logger.warn({}, "handing over leadership took too long");
    }
    if (!(await within(left(), Promise.all([watch.close(), gate.settled()])))) {
      metrics.add("tsoracle.shutdown.watch_aborted.total");
      logger.warn({}, "the driver did not let go within the grace period");
    }
  }
  #view(): StatusView {
    const { driver, clock, windowAheadMs } = this.#options;
    const { state } = this;
    const allocator = this.#oracle.core.reign?.allocator;
    const highWater = allocator?.committedHighWater;
    const cursor = Math.max(allocator?.nextPhysicalMs ?? 0, clock.nowMs());
    const follows = state.kind === "not_serving" && (state.leaderEndpoint ?? state.leaderEpoch) !== undefined;
    return {
      state,
      ready: !this.#ending && (state.kind === "serving" || follows),
      driver: driver.name,
      capabilities: driver.capabilities,
      uptimeSeconds: Math.floor((performance.now() - this.#startedMs) / 1_000),
      connections: this.#listeners.reduce((sum, listener) => sum + listener.connections, 0),
      highWater,
      windowLeftMs: highWater === undefined ? undefined : Math.max(0, highWater - cursor),
      windowAheadMs,
    };
  }
}
