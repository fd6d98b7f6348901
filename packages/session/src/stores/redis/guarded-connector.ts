// SPDX-License-Identifier: Apache-2.0
import { createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, type RedisOptions } from "ioredis";

/**
 * Connects as the client library does by itself, except that every error of a socket has a listener for
 * as long as the socket lives. The library listens for one error only; a TLS handshake can fail twice,
 * once by our own verdict on the certificate and once by the node's alert, and the second one would end
 * the process.
 */
export class GuardedConnector extends AbstractConnector {
  readonly #options: RedisOptions;

  constructor(options: unknown) {
    const given = options as RedisOptions;
    super(given.disconnectTimeout ?? 2_000);
    this.#options = given;
  }

  /** Resolves to a socket that is still connecting; the library waits for the rest, and gives up if this rejects. */
  connect(): Promise<Socket> {
    this.connecting = true;
    return new Promise((resolve, reject) => {
      process.nextTick(() => {
        if (!this.connecting) {
          reject(new Error("Connection is closed."));
          return;
        }
        try {
          const stream = this.#open();
          let isFirst = true;
          stream.on("error", (error) => {
            if (isFirst) this.firstError = error;
            isFirst = false;
          });
          this.stream = stream;
          resolve(stream);
        } catch (error) {
          // Options that no socket can be opened with. Thrown here, it would end the process.
          reject(error);
        }
      });
    });
  }

  #open(): Socket {
    const { host = "127.0.0.1", port = 6379, tls } = this.#options;
    return tls === undefined ? createConnection({ host, port }) : connectTls({ host, port, ...tls });
  }
}
