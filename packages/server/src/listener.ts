// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type ConnectionInjector, Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { BoundAddress } from "./address.ts";
import { messageOf } from "./finish.ts";
import type { ServerLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import { type TlsOptions, tlsSettings } from "./tls.ts";

/** What every HTTP/2 client sends first. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Makes the grpc-js server that connections are handed to, with the limits it enforces by itself. */
export function limitedGrpcServer(limits: ServerLimits): GrpcServer {
  return new GrpcServer({
    "grpc.max_receive_message_length": limits.maxMessageBytes,
    // An answer is refused too late: its sequence values are used up, and the status would say that they are not.
    // What may be asked for bounds it.
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.keepalive_time_ms": limits.keepaliveIntervalMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.max_connection_idle_ms": limits.idleTimeoutMs,
    "grpc.enable_channelz": 0,
  });
}

/**
 * Owns the listening port and its sockets. A connection reaches gRPC only after its TLS handshake
 * and a whole HTTP/2 preface, within the handshake timeout; what is neither costs one socket until
 * then and nothing else.
 */
export class Listener {
  readonly #grpc: GrpcServer;
  readonly #injector: ConnectionInjector;
  readonly #server: NetServer;
  readonly #limits: ServerLimits;
  readonly #logger: Logger;
  readonly #sockets = new Set<Socket>();
  /** Accepted and not handed to gRPC yet, by remote port; with TLS, the raw socket underneath. */
  readonly #unproven = new Map<string, Socket>();
  #emptied: (() => void) | undefined;

  constructor(grpc: GrpcServer, limits: ServerLimits, tls: TlsOptions | undefined, logger: Logger) {
    this.#grpc = grpc;
    this.#limits = limits;
    this.#logger = logger;
    this.#injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    if (tls === undefined) {
      this.#server = createServer({ noDelay: true }, (socket) => this.#greet(socket));
    } else {
      const settings = { ...tlsSettings(tls), handshakeTimeout: limits.handshakeTimeoutMs, noDelay: true };
      const secure = createTlsServer(settings, (socket) => this.#greet(socket));
      secure.on("tlsClientError", (error, socket) => {
        logger.debug({ error: messageOf(error) }, "a TLS handshake failed");
        socket.destroy();
      });
      this.#server = secure;
    }
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on("connection", (socket) => this.#track(socket));
    this.#server.on("drop", () => logger.warn({ maxConnections: limits.maxConnections }, "a connection was dropped"));
  }

  /** How many sockets are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  listen(host: string, port: number): Promise<BoundAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error) => this.#logger.error({ error: messageOf(error) }, "the port failed"));
        const address = this.#server.address();
        if (address === null || typeof address === "string") reject(new Error("the port has no address"));
        else resolve(new BoundAddress(host, address.port));
      });
    });
  }

  /**
   * Accepts nobody any more, lets calls under way finish, and cuts what is left after `graceMs`.
   * Resolves when every socket is closed.
   */
  async drain(graceMs: number): Promise<void> {
    if (this.#server.listening) this.#server.close();
    for (const socket of this.#unproven.values()) socket.destroy();
    this.#injector.drain(graceMs);
    const cut = setTimeout(() => {
      this.#grpc.forceShutdown();
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    if (this.#sockets.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    clearTimeout(cut);
    this.#grpc.forceShutdown();
  }

  #track(socket: Socket): void {
    const peer = peerOf(socket);
    this.#sockets.add(socket);
    this.#unproven.set(peer, socket);
    socket.on("error", (error) => this.#logger.debug({ error: messageOf(error) }, "a connection failed"));
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#unproven.get(peer) === socket) this.#unproven.delete(peer);
      if (this.#sockets.size === 0) this.#emptied?.();
    });
  }

  /** Waits for the preface and puts it back for gRPC to read. */
  #greet(socket: Socket): void {
    socket.on("error", (error) => this.#logger.debug({ error: messageOf(error) }, "a connection failed"));
    const peer = peerOf(socket);
    let seen: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => socket.destroy(), this.#limits.handshakeTimeoutMs).unref();
    const done = (): void => {
      clearTimeout(timer);
      this.#unproven.delete(peer);
      socket.off("readable", read);
      socket.off("close", done);
    };
    const read = (): void => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const compared = Math.min(seen.length, PREFACE.length);
      if (seen.compare(PREFACE, 0, compared, 0, compared) !== 0) {
        this.#logger.debug({ remote: socket.remoteAddress }, "a connection did not speak HTTP/2");
        done();
        socket.destroy();
      } else if (seen.length >= PREFACE.length) {
        done();
        socket.unshift(seen);
        this.#injector.injectConnection(socket);
      }
    };
    socket.on("readable", read);
    socket.once("close", done);
  }
}

/** Tells the open connections of one port apart. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}
