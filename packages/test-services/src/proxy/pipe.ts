// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";
import type { Flow } from "./flow.ts";

/** How many bytes one direction of one connection may hold before the sender is made to wait. */
export const PIPE_BYTES_MAX: number = 4 * 1024 * 1024;

/** What the owner of a pipe is told. */
export interface PipeEvents {
  /** Bytes were lost in `drop`. */
  readonly onLoss: () => void;
  /** Bytes came that are held back or lost. */
  readonly onWithheld: (bytes: number) => void;
  /** The allowance of {@link Pipe.cutAfter} is used up. */
  readonly onCut: () => void;
  /** The sender reset the connection, and everything before that was forwarded. */
  readonly onReset: () => void;
}

/** One direction of one connection. The order of the bytes is kept, whatever the flow is and was. */
export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #events: PipeEvents;
  #flow: Flow;
  #queue: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
  #queued = 0;
  #end: "open" | "ended" | "broken" = "open";
  #isBlocked = false;
  #timer: NodeJS.Timeout | undefined;
  #allowance = Number.POSITIVE_INFINITY;
  /** Bytes of this direction are gone, so nothing may follow them. */
  hasLost = false;
  /** Bytes that reached the other side. */
  forwarded = 0;

  constructor(from: Socket, to: Socket, flow: Flow, events: PipeEvents) {
    this.#from = from;
    this.#to = to;
    this.#flow = flow;
    this.#events = events;
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.on("end", () => this.#finish("ended"));
    from.on("error", () => this.#finish("broken"));
    to.on("drain", () => {
      this.#isBlocked = false;
      this.#pump();
    });
    // Nobody is left to read: what waits goes nowhere, and the sender must not be held up by it.
    to.on("close", () => this.#discardQueue());
  }

  /** Bytes that wait here. */
  get queued(): number {
    return this.#queued;
  }

  set flow(flow: Flow) {
    this.#flow = flow;
    if (flow === "drop" && this.#queued > 0) this.#lose();
    this.#pump();
  }

  /** Forwards this many more bytes and then reports the cut, in the middle of a message if that is where it falls. */
  cutAfter(bytes: number): void {
    this.#allowance = bytes;
  }

  /** Stops forwarding for good: what still comes is read and thrown away. */
  blackhole(): void {
    this.#flow = "drop";
    this.#discardQueue();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #take(bytes: Buffer): void {
    if (this.#flow === "drop" || this.#flow === "hold") this.#events.onWithheld(bytes.length);
    if (this.#flow === "drop") {
      this.#lose();
      return;
    }
    const delayMs = typeof this.#flow === "object" ? this.#flow.delayMs : 0;
    this.#queue.push({ bytes, dueMs: performance.now() + delayMs });
    this.#queued += bytes.length;
    if (this.#queued >= PIPE_BYTES_MAX) this.#from.pause();
    this.#pump();
  }

  #finish(how: "ended" | "broken"): void {
    if (this.#end !== "broken") this.#end = how;
    this.#pump();
  }

  #lose(): void {
    this.hasLost = true;
    this.#discardQueue();
    this.#events.onLoss();
  }

  #discardQueue(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#queued = 0;
    this.#from.resume();
  }

  /** Forwards what is due. A flow that is not delayed any more lets everything go at once. */
  #pump(): void {
    clearTimeout(this.#timer);
    while (this.#flow !== "hold" && !this.#isBlocked) {
      const head = this.#queue[0];
      if (head === undefined) {
        this.#passEnd();
        return;
      }
      const waitMs = typeof this.#flow === "object" ? head.dueMs - performance.now() : 0;
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#queued -= head.bytes.length;
      if (this.#queued < PIPE_BYTES_MAX) this.#from.resume();
      if (!this.#forward(head.bytes)) return;
    }
  }

  /** False when the connection was cut instead. */
  #forward(bytes: Buffer): boolean {
    const allowed = bytes.subarray(0, Math.min(bytes.length, this.#allowance));
    this.#allowance -= allowed.length;
    this.forwarded += allowed.length;
    const isCut = this.#allowance === 0;
    if (allowed.length > 0 && this.#to.writable) {
      const isFlushed = isCut ? this.#to.write(allowed, () => this.#events.onCut()) : this.#to.write(allowed);
      this.#isBlocked = !isFlushed;
    } else if (isCut) {
      this.#events.onCut();
    }
    return !isCut;
  }

  /** The end of the sender travels in the same order as its bytes; in `drop` it is lost like them. */
  #passEnd(): void {
    if (this.#flow === "drop" || this.#end === "open") return;
    if (this.#end === "broken") this.#events.onReset();
    else if (this.#to.writable) this.#to.end();
  }
}
