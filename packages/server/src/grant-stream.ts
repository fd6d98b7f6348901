// SPDX-License-Identifier: Apache-2.0
import { invariant, MAX_TIMESTAMPS_PER_RPC, type WindowGrant } from "@tsoracle/core";
import { grantStatus } from "./classify.ts";
import type { GrantDesk, GrantSink } from "./grant-desk.ts";
import { Code, RpcError } from "./status.ts";

/** One open stream of a transport. */
export interface StreamPort {
  /** Sends an answer; false when the client reads too slowly and nothing more should be sent for now. */
  write(grant: WindowGrant): boolean;
  /** Ends the stream, in good order or with a status. */
  finish(error: RpcError | undefined): void;
  pauseReading(): void;
  resumeReading(): void;
}

/** What the streams of a server share. */
export interface StreamSurroundings {
  readonly desk: Pick<GrantDesk, "submit">;
  readonly maxPending: number;
  readonly open: Set<GrantStream>;
}

/**
 * One `TsoStreamService/Stream`: requests in, answers out, in the same order. A refusal ends it with
 * the status that the unary call would have had.
 *
 * Memory is bounded without the client's cooperation: the stream is not read while it has too many
 * unanswered requests, nor while the client does not take its answers.
 */
export class GrantStream implements GrantSink {
  readonly #port: StreamPort;
  readonly #surroundings: StreamSurroundings;
  #pending = 0;
  #blocked = false;
  #paused = false;
  #finished = false;
  /** How the stream ends once everything before is answered; the client sends nothing that counts after it. */
  #last: { readonly error: RpcError | undefined } | undefined;

  constructor(port: StreamPort, surroundings: StreamSurroundings) {
    this.#port = port;
    this.#surroundings = surroundings;
    surroundings.open.add(this);
  }

  get abandoned(): boolean {
    return this.#finished;
  }

  /** The client asks for `count` timestamps. */
  request(count: number): void {
    if (this.#finished || this.#last !== undefined) return;
    if (count === 0) {
      this.#endAfterAnswers(new RpcError(Code.INVALID_ARGUMENT, "count must be >= 1"));
      return;
    }
    // The desk would refuse it before it answers what came earlier, and a refusal ends the stream.
    if (count > MAX_TIMESTAMPS_PER_RPC) {
      this.#endAfterAnswers(grantStatus({ ok: false, reason: "invalid_count", count }));
      return;
    }
    this.#pending += 1;
    this.#regulate();
    this.#surroundings.desk.submit(count, this);
  }

  /** The client sends no more. */
  requestsEnded(): void {
    if (this.#last === undefined) this.#endAfterAnswers(undefined);
  }

  /** The client has taken its answers. */
  drained(): void {
    this.#blocked = false;
    this.#regulate();
  }

  /** The client is gone, or its deadline has passed. */
  cancelled(): void {
    this.#finished = true;
    this.#surroundings.open.delete(this);
  }

  granted(grant: WindowGrant): void {
    this.#pending -= 1;
    invariant(this.#pending >= 0, "a stream gets one answer per request");
    if (this.#finished) return;
    if (!this.#port.write(grant)) this.#blocked = true;
    if (this.#last !== undefined && this.#pending === 0) this.finish(this.#last.error);
    else this.#regulate();
  }

  refused(error: RpcError): void {
    this.#pending -= 1;
    this.finish(error);
  }

  /** Ends the stream now. Idempotent. */
  finish(error: RpcError | undefined): void {
    if (this.#finished) return;
    this.cancelled();
    this.#port.finish(error);
  }

  #endAfterAnswers(error: RpcError | undefined): void {
    this.#last = { error };
    if (this.#pending === 0) this.finish(error);
  }

  #regulate(): void {
    const { maxPending } = this.#surroundings;
    if (!this.#paused && (this.#blocked || this.#pending >= maxPending)) {
      this.#paused = true;
      this.#port.pauseReading();
    } else if (this.#paused && !this.#blocked && this.#pending <= maxPending / 2) {
      this.#paused = false;
      this.#port.resumeReading();
    }
  }
}
