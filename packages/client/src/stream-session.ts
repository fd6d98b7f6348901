// SPDX-License-Identifier: Apache-2.0
import { type ClientHttp2Session, connect } from "node:http2";
import { isIP, connect as openTcp, type Socket } from "node:net";
import { connect as openTls } from "node:tls";
import type { ClientTlsOptions, Pem } from "./client-options.ts";
import { type MessageSink, MessageStream } from "./message-stream.ts";
import type { Target } from "./target.ts";

const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/**
 * The HTTP/2 connection that carries the timestamp stream. It is used directly, without a gRPC
 * library in between, because the library costs a serial caller about as much again as a bare
 * round trip (`docs/reference/benchmarks.md`); everything but that stream goes through `@grpc/grpc-js`.
 */
export class StreamSession {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #headers: Readonly<Record<string, string>>;
  #keepalive: NodeJS.Timeout | undefined;
  #leaving = false;

  private constructor(session: ClientHttp2Session, socket: Socket, target: Target, serverName: string | undefined) {
    this.#session = session;
    this.#socket = socket;
    this.#headers = {
      ":method": "POST",
      ":scheme": target.secure ? "https" : "http",
      ":authority": serverName ?? target.address,
      te: "trailers",
      "content-type": "application/grpc",
      "user-agent": "tsoracle-client-js",
    };
    session.on("goaway", () => {
      this.#leaving = true;
    });
    session.once("close", () => clearInterval(this.#keepalive));
    this.#keepalive = setInterval(() => this.#ping(), KEEPALIVE_MS);
    this.#keepalive.unref();
  }

  /**
   * Connects, and waits for the server's HTTP/2 settings: a port that merely accepts is no server.
   * Rejects with the reason, or when the signal aborts.
   */
  static connect(target: Target, tls: ClientTlsOptions | undefined, signal: AbortSignal): Promise<StreamSession> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw new Error("no connection in time");
      // The socket is our own because the session does not pass on all of its errors, a refused certificate for one.
      const socket = openSocket(target, tls);
      // The address is no URL for every host that can be dialled, and the session asks it for nothing.
      const session = connect(target.secure ? "https://localhost" : "http://localhost", {
        settings: { enablePush: false },
        createConnection: () => socket,
      });
      const fail = (error: Error): void => {
        signal.removeEventListener("abort", onAbort);
        reject(error);
        session.destroy();
        socket.destroy();
      };
      const onAbort = (): void => fail(new Error("no connection in time"));
      const onClose = (): void => fail(new Error("the server closed the connection at once"));
      signal.addEventListener("abort", onAbort, { once: true });
      // These listeners stay: an error without one would end the process.
      socket.on("error", fail);
      session.on("error", fail);
      socket.once("close", onClose);
      session.once("remoteSettings", () => {
        signal.removeEventListener("abort", onAbort);
        socket.off("close", onClose);
        resolve(new StreamSession(session, socket, target, target.secure ? tls?.serverName : undefined));
      });
    });
  }

  /** Whether new streams may be opened on it. */
  get usable(): boolean {
    return !this.#leaving && !this.#session.closed && !this.#session.destroyed;
  }

  /** @throws Error when the session is not usable; nothing was sent then. */
  open(path: string, sink: MessageSink): MessageStream {
    return new MessageStream(this.#session.request({ ...this.#headers, ":path": path }, { endStream: false }), sink);
  }

  close(): void {
    clearInterval(this.#keepalive);
    this.#session.destroy();
    // A session that was told to go away only half-closes its socket, and the server may never close the rest.
    this.#socket.destroy();
  }

  /** A peer that does not answer in time is gone, whatever the operating system believes. */
  #ping(): void {
    if (!this.usable) return;
    const late = setTimeout(() => this.#session.destroy(), KEEPALIVE_TIMEOUT_MS);
    late.unref();
    this.#session.ping((error) => {
      clearTimeout(late);
      if (error !== null) this.#session.destroy();
    });
  }
}

function openSocket(target: Target, tls: ClientTlsOptions | undefined): Socket {
  const colon = target.address.lastIndexOf(":");
  const host = target.address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = Number(target.address.slice(colon + 1));
  if (!target.secure) return openTcp({ host, port, noDelay: true });
  const { ca, cert, key, serverName } = tls ?? {};
  const socket = openTls({
    host,
    port,
    ALPNProtocols: ["h2"],
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(serverName === undefined && isIP(host) !== 0 ? {} : { servername: serverName ?? host }),
  });
  return socket.setNoDelay(true);
}

function pem(text: Pem): Buffer {
  return Buffer.from(text);
}
