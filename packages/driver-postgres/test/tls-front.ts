// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ProxyTarget } from "@tsoracle/test-services";

/** A certificate or key of the folder `fixtures`. */
export function pem(name: string): Buffer {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
}

/** Speaks TLS to clients as a Postgres with certificates does, and forwards to one without. */
export class TlsFront implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections whose handshake was completed. */
  secured = 0;

  private constructor(target: ProxyTarget) {
    this.#server = createServer((client) => {
      this.#sockets.add(client);
      client.on("error", () => {});
      // The eight bytes with which a client asks for TLS; nothing follows until it is answered.
      client.once("data", () => {
        client.write("S");
        this.#secure(client, target);
      });
    });
  }

  static async open(target: ProxyTarget): Promise<TlsFront> {
    const front = new TlsFront(target);
    await new Promise<void>((resolve) => front.#server.listen(0, "127.0.0.1", resolve));
    return front;
  }

  /** The server's URL with the address of this, under a name or an address of this machine. */
  url(serverUrl: string, host: string): string {
    const address = this.#server.address();
    const url = new URL(serverUrl);
    return serverUrl.replace(`@${url.host}`, `@${host}:${typeof address === "object" ? address?.port : 0}`);
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #secure(client: Socket, target: ProxyTarget): void {
    const secure = new TLSSocket(client, { isServer: true, cert: pem("server.crt"), key: pem("server.key") });
    secure.on("error", () => client.destroy());
    secure.once("secure", () => {
      this.secured += 1;
    });
    const upstream = connect(target.port, target.host);
    this.#sockets.add(upstream);
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
    secure.pipe(upstream).pipe(secure);
  }
}
