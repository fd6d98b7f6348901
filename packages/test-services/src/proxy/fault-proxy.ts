// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server as Listener, type Socket } from "node:net";
import { freePorts } from "../free-port.ts";
import { checkFlow, type Direction, type Flow } from "./flow.ts";
import { Link } from "./link.ts";
import { resetSocket } from "./reset-socket.ts";

/** Where a proxy forwards to. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

const BIND_ATTEMPTS = 5;

/**
 * A TCP proxy on loopback that does to connections what networks do. New connections begin with the flows of the
 * moment. Each direction of each connection holds a bounded number of bytes; then its sender waits.
 */
export class FaultProxy implements AsyncDisposable {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly #target: ProxyTarget;
  readonly #flows: Record<Direction, Flow> = { up: "pass", down: "pass" };
  readonly #links = new Set<Link>();
  readonly #hanging = new Set<Socket>();
  #listener: Listener | undefined;
  #isHanging = false;
  #withheld = 0;
  #cut: { readonly direction: Direction; readonly bytes: number; readonly done: () => void } | undefined;
  #lost: ((direction: Direction) => void) | undefined;

  private constructor(port: number, target: ProxyTarget) {
    this.port = port;
    this.#target = target;
  }

  /** Opens a proxy in front of a server, which need not be up. */
  static async open(target: ProxyTarget): Promise<FaultProxy> {
    for (let attempt = 1; ; attempt += 1) {
      const [port = 0] = await freePorts(1);
      const proxy = new FaultProxy(port, { host: target.host, port: target.port });
      try {
        await proxy.accept();
        return proxy;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempt === BIND_ATTEMPTS) throw error;
      }
    }
  }

  /** The server's URL with the address of the proxy in it. */
  url(serverUrl: string): string {
    const url = new URL(serverUrl);
    // The host setter knows schemes of the web only, so the authority is replaced as text.
    return serverUrl
      .replace(`@${url.host}`, `@${this.host}:${this.port}`)
      .replace(`//${url.host}`, `//${this.host}:${this.port}`);
  }

  /** Connections that are open on either side. */
  get connections(): number {
    return this.#links.size + this.#hanging.size;
  }

  /** Bytes of either direction that came while the flow was `hold` or `drop`, since the proxy was opened. */
  get withheld(): number {
    return this.#withheld;
  }

  /** Sets the flow of one or both directions, for the connections that are there and for new ones. */
  set(flows: { readonly up?: Flow; readonly down?: Flow }): void {
    for (const direction of ["up", "down"] as const) {
      const flow = flows[direction];
      if (flow === undefined) continue;
      this.#flows[direction] = checkFlow(flow);
      for (const link of [...this.#links]) link.setFlow(direction, flow);
    }
  }

  /** Everything passes again and new connections are accepted. Connections that lost bytes are reset. */
  async heal(): Promise<void> {
    this.#cut = undefined;
    this.#lost = undefined;
    this.#isHanging = false;
    for (const link of this.#links)
      for (const direction of ["up", "down"] as const) link.cutAfter(direction, Number.POSITIVE_INFINITY);
    for (const socket of this.#hanging) resetSocket(socket);
    this.set({ up: "pass", down: "pass" });
    await this.accept();
  }

  /** New connections are refused by the kernel; those that are there stay. */
  refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    // The callback of close waits for the connections as well; the port is closed by the next turn.
    listener?.close();
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** New connections are accepted (again), on the same port. */
  async accept(): Promise<void> {
    if (this.#listener !== undefined) return;
    const listener = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket));
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen({ port: this.port, host: this.host, exclusive: true }, resolve);
    });
    this.#listener = listener;
  }

  /** New connections are accepted and lead nowhere, as with a server whose machine is stuck, until {@link heal}. */
  hang(): void {
    this.#isHanging = true;
  }

  /** Resets the connections that are there, on both sides. */
  reset(): void {
    for (const link of [...this.#links]) link.reset();
  }

  /** The server's side of the connections that are there is gone, and the clients are not told. */
  halfOpen(): void {
    for (const link of this.#links) link.halfOpen();
  }

  /**
   * Loses the next reply: requests go up, the first bytes that come down are thrown away and their connection is
   * reset. Resolves when that has happened.
   */
  loseReply(): Promise<void> {
    this.set({ down: "drop" });
    return new Promise((resolve) => {
      this.#lost = (direction) => {
        if (direction !== "down") return;
        this.#lost = undefined;
        this.set({ down: "pass" });
        resolve();
      };
    });
  }

  /**
   * Cuts a connection in the middle: the first that has forwarded this many more bytes in this direction is reset
   * on both sides. Resolves when that has happened.
   *
   * @throws RangeError for a number of bytes that is not a whole number from 1 up
   */
  cutAfter(direction: Direction, bytes: number): Promise<void> {
    if (!Number.isSafeInteger(bytes) || bytes < 1) {
      throw new RangeError(`the bytes to pass before the cut must be a whole number from 1 up, not ${bytes}`);
    }
    return new Promise((done) => {
      this.#cut = { direction, bytes, done };
      for (const link of this.#links) link.cutAfter(direction, bytes);
    });
  }

  /** Ends the proxy and every connection. */
  async close(): Promise<void> {
    await this.refuse();
    this.reset();
    for (const socket of this.#hanging) resetSocket(socket);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connected(client: Socket): void {
    if (this.#isHanging) {
      this.#hanging.add(client);
      client.on("error", () => {});
      client.once("close", () => this.#hanging.delete(client));
      client.resume();
      return;
    }
    const link = new Link(client, this.#target, this.#flows, {
      onLoss: (_, direction) => this.#lost?.(direction),
      onWithheld: (bytes) => {
        this.#withheld += bytes;
      },
      onCut: () => this.#wasCut(),
      onClose: (closed) => this.#links.delete(closed),
    });
    this.#links.add(link);
    if (this.#cut !== undefined) link.cutAfter(this.#cut.direction, this.#cut.bytes);
  }

  #wasCut(): void {
    const cut = this.#cut;
    if (cut === undefined) return;
    this.#cut = undefined;
    for (const link of this.#links) link.cutAfter(cut.direction, Number.POSITIVE_INFINITY);
    cut.done();
  }
}
