// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server, type Socket } from "node:net";
import type { ProxyTarget } from "@tsoracle/test-services";

/**
 * What a transaction pooler does to a connection as it begins: it refuses the startup parameter `options`, or, told to
 * ignore it, drops it; and it greets with a process id of its own. Everything else passes.
 */
export class PoolerFront implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: ProxyTarget, ignoresOptions: boolean) {
    this.#server = createServer((client) => {
      this.#sockets.add(client);
      client.on("error", () => {});
      client.once("data", (startup) => {
        if (ignoresOptions) this.#forward(client, target, withoutOptions(startup));
        else client.end(errorResponse("08P01", "unsupported startup parameter: options"));
      });
    });
  }

  static async open(target: ProxyTarget, ignoresOptions: boolean): Promise<PoolerFront> {
    const front = new PoolerFront(target, ignoresOptions);
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

  #forward(client: Socket, target: ProxyTarget, startup: Buffer): void {
    const upstream = connect(target.port, target.host);
    this.#sockets.add(upstream);
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    upstream.write(startup);
    client.on("data", (data) => upstream.write(data));
    let greeted = false;
    upstream.on("data", (data) => {
      const found = greeted ? undefined : processIdAt(data);
      greeted ||= found !== undefined;
      if (found !== undefined) data.writeInt32BE(1_853_868_068, found);
      client.write(data);
    });
  }
}

/** The startup message is a length, a version, then pairs of names and values, each ended by a zero byte. */
function withoutOptions(startup: Buffer): Buffer {
  const words = startup.subarray(8).toString("latin1").split("\0");
  const kept: string[] = [];
  for (let index = 0; index + 1 < words.length && words[index] !== ""; index += 2) {
    if (words[index] !== "options") kept.push(words[index] ?? "", words[index + 1] ?? "");
  }
  const body = Buffer.from(`${kept.join("\0")}\0\0`, "latin1");
  const head = Buffer.from(startup.subarray(0, 8));
  head.writeInt32BE(body.length + 8, 0);
  return Buffer.concat([head, body]);
}

/** Where BackendKeyData names the process: `K`, length 12, process, secret. Messages of a greeting come whole. */
function processIdAt(data: Buffer): number | undefined {
  for (let at = 0; at + 5 <= data.length; at += 1 + data.readInt32BE(at + 1)) {
    if (data[at] === 0x4b) return at + 5;
  }
  return undefined;
}

function errorResponse(code: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
