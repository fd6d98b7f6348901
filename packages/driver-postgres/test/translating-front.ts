// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server, type Socket } from "node:net";
import type { ProxyTarget } from "@tsoracle/test-services";

const ENGLISH = Buffer.from("SWARNING\0");
const GERMAN = Buffer.from("SWARNUNG\0");

/** What a server with German messages does to a warning: its severity is a word of that language. */
export class TranslatingFront implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  translated = 0;

  private constructor(target: ProxyTarget) {
    this.#server = createServer((client) => {
      const upstream = connect(target.port, target.host);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
      }
      client.pipe(upstream);
      upstream.on("data", (data) => {
        for (let at = data.indexOf(ENGLISH); at >= 0; at = data.indexOf(ENGLISH, at)) {
          GERMAN.copy(data, at);
          this.translated += 1;
        }
        client.write(data);
      });
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
    });
  }

  static async open(target: ProxyTarget): Promise<TranslatingFront> {
    const front = new TranslatingFront(target);
    await new Promise<void>((resolve) => front.#server.listen(0, "127.0.0.1", resolve));
    return front;
  }

  /** The server's URL with the address of this in it. */
  url(serverUrl: string): string {
    const address = this.#server.address();
    const url = new URL(serverUrl);
    return serverUrl.replace(`@${url.host}`, `@127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
