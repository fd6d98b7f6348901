// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server, type Socket } from "node:net";
import type { ProxyTarget } from "@tsoracle/test-services";

/**
 * A box on the way that can forget the connections it carries, as firewalls do: nothing passes on them any more, and the
 * server never hears that its client is gone. New ones pass.
 */
export class ForgetfulFront implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #links = new Set<{ isForgotten: boolean }>();

  private constructor(target: ProxyTarget) {
    this.#server = createServer((client) => {
      const upstream = connect(target.port, target.host);
      const link = { isForgotten: false };
      this.#links.add(link);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => {});
        from.on("data", (data) => {
          if (!link.isForgotten) to.write(data);
        });
        from.on("close", () => {
          if (!link.isForgotten) to.destroy();
        });
      }
    });
  }

  static async open(target: ProxyTarget): Promise<ForgetfulFront> {
    const front = new ForgetfulFront(target);
    await new Promise<void>((resolve) => front.#server.listen(0, "127.0.0.1", resolve));
    return front;
  }

  forget(): void {
    for (const link of this.#links) link.isForgotten = true;
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
