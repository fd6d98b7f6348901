// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Timestamp } from "@tsoracle/core";
import { decodeGetTsResponse, encodeGetTsRequest } from "@tsoracle/proto";
import { FrameReader, frame } from "./tcp-protocol.ts";

/**
 * The least that a coalescing client has to do: callers of one event-loop turn share a request, one
 * request is in flight, each caller gets its own timestamp.
 */
export class TcpClient {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  #waiting: ((timestamp: Timestamp) => void)[] = [];
  #inFlight: ((timestamp: Timestamp) => void)[] = [];
  #scheduled = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#onData(chunk));
  }

  static async connect(port: number): Promise<TcpClient> {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    await once(socket, "connect");
    return new TcpClient(socket);
  }

  getTs(): Promise<Timestamp> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight.length > 0) return;
    this.#scheduled = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#inFlight.length > 0 || this.#waiting.length === 0) return;
    this.#inFlight = this.#waiting;
    this.#waiting = [];
    this.#socket.write(frame(encodeGetTsRequest(this.#inFlight.length)));
  }

  #onData(chunk: Buffer): void {
    for (const payload of this.#reader.read(chunk)) {
      const { physicalMs, logicalStart, epoch } = decodeGetTsResponse(payload);
      const callers = this.#inFlight;
      this.#inFlight = [];
      for (const [index, resolve] of callers.entries()) {
        resolve(new Timestamp(physicalMs, logicalStart + index, epoch));
      }
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}
