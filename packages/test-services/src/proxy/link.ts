// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from "node:net";
import type { Direction, Flow } from "./flow.ts";
import { Pipe } from "./pipe.ts";
import { resetSocket } from "./reset-socket.ts";

/** What a proxy is told about one of its connections. */
export interface LinkEvents {
  readonly onLoss: (link: Link, direction: Direction) => void;
  readonly onWithheld: (bytes: number) => void;
  readonly onCut: (link: Link, direction: Direction) => void;
  readonly onClose: (link: Link) => void;
}

/** One client's connection and its counterpart to the server. */
export class Link {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #pipes: Readonly<Record<Direction, Pipe>>;
  #isHalfOpen = false;

  constructor(
    client: Socket,
    target: { readonly host: string; readonly port: number },
    flows: Readonly<Record<Direction, Flow>>,
    events: LinkEvents,
  ) {
    this.#client = client;
    this.#upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    const pipe = (direction: Direction, from: Socket, to: Socket): Pipe =>
      new Pipe(from, to, flows[direction], {
        onLoss: () => events.onLoss(this, direction),
        onWithheld: events.onWithheld,
        onCut: () => {
          this.reset();
          events.onCut(this, direction);
        },
        onReset: () => {
          if (!this.#isHalfOpen) resetSocket(to);
        },
      });
    this.#pipes = {
      up: pipe("up", client, this.#upstream),
      down: pipe("down", this.#upstream, client),
    };
    let open = 2;
    const closed = (): void => {
      open -= 1;
      if (open > 0) return;
      this.#pipes.up.dispose();
      this.#pipes.down.dispose();
      events.onClose(this);
    };
    client.once("close", closed);
    this.#upstream.once("close", closed);
  }

  /** Bytes that reached the other side. */
  forwarded(direction: Direction): number {
    return this.#pipes[direction].forwarded;
  }

  setFlow(direction: Direction, flow: Flow): void {
    const pipe = this.#pipes[direction];
    if (this.#isHalfOpen) return;
    if (pipe.hasLost && flow !== "drop") this.reset();
    else pipe.flow = flow;
  }

  cutAfter(direction: Direction, bytes: number): void {
    this.#pipes[direction].cutAfter(bytes);
  }

  /** The server's side is gone and the client is not told: what it sends is read and thrown away. */
  halfOpen(): void {
    this.#isHalfOpen = true;
    this.#pipes.up.blackhole();
    this.#pipes.down.blackhole();
    resetSocket(this.#upstream);
  }

  /** Both sides see the connection reset. */
  reset(): void {
    resetSocket(this.#client);
    resetSocket(this.#upstream);
  }
}
