// SPDX-License-Identifier: Apache-2.0
import { HOT_STREAM } from "@tsoracle/proto";
import { frameMessage } from "./grpc-framing.ts";
import { endOf, type Mark, NO_MARK, regressionOf } from "./high-mark.ts";
import type { MessageStream } from "./message-stream.ts";
import { type RpcFailure, STATUS } from "./rpc-failure.ts";
import type { StreamSession } from "./stream-session.ts";
import type { Target } from "./target.ts";
import { readAnswer, type TimestampAnswer, type TimestampRequest } from "./timestamp-answer.ts";

/**
 * One bidirectional stream: requests out, answers back, first in, first out. After its end, for
 * whatever reason, every request has been told, and nothing that still arrives is looked at.
 */
export class TimestampStream {
  readonly #target: Target;
  readonly #call: MessageStream;
  readonly #pending: TimestampRequest[] = [];
  readonly #onEnd: () => void;
  #last: Mark = NO_MARK;
  #frame: { readonly count: number; readonly bytes: Buffer } | undefined;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, on the clock of `performance.now()`. */
  #timerAt: number = Number.POSITIVE_INFINITY;

  /** `onEnd` is called once, before the pending requests are told. @throws Error when the session is gone. */
  constructor(target: Target, session: StreamSession, onEnd: () => void) {
    this.#target = target;
    this.#onEnd = onEnd;
    this.#call = session.open(HOT_STREAM.path, {
      message: (bytes) => this.#onMessage(bytes),
      ended: (status) => this.#end({ target, phase: "call", ...status }),
    });
  }

  request(request: TimestampRequest): void {
    this.#pending.push(request);
    this.#call.write(this.#frameFor(request.count));
    if (request.deadlineAt < this.#timerAt) this.#arm(request.deadlineAt);
  }

  /** Steady callers ask for the same count again and again, so the last request is kept. */
  #frameFor(count: number): Buffer {
    if (this.#frame?.count !== count) {
      this.#frame = { count, bytes: frameMessage(HOT_STREAM.requestSerialize(count)) };
    }
    return this.#frame.bytes;
  }

  cancel(reason: string): void {
    this.#end(this.#lost(reason));
  }

  #onMessage(bytes: Buffer): void {
    if (this.#ended) return;
    const head = this.#pending.shift();
    if (head === undefined) {
      this.#end(this.#lost("the server answered a question that nobody asked"));
      return;
    }
    const answer = this.#inOrder(readAnswer(this.#target, head.count, bytes));
    // Whatever else arrives may belong to another question.
    if (answer.kind === "violation") this.#end(this.#lost("an earlier answer on the stream broke the protocol"));
    head.done(answer);
  }

  /** Requests on one stream are answered in turn, so each answer lies above the one before. */
  #inOrder(answer: TimestampAnswer): TimestampAnswer {
    if (answer.kind !== "answer") return answer;
    const error = regressionOf(answer.grant, this.#last, this.#target.address);
    if (error !== undefined) return { kind: "violation", error };
    this.#last = endOf(answer.grant);
    return answer;
  }

  #lost(message: string, status: number = STATUS.UNAVAILABLE): RpcFailure {
    return { target: this.#target, phase: "call", status, message, hint: undefined };
  }

  #end(failure: RpcFailure): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#onEnd();
    this.#call.cancel();
    for (const request of this.#pending.splice(0)) request.done({ kind: "failure", failure });
  }

  /**
   * One timer for the whole stream, looked at again when it fires: arming one for each request would
   * cost more than the request. The socket keeps the process alive, so the timer need not.
   */
  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, at - performance.now()));
    this.#timer.unref();
  }

  #onTimer(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const next = this.#pending.reduce(
      (earliest, { deadlineAt }) => Math.min(earliest, deadlineAt),
      Number.POSITIVE_INFINITY,
    );
    if (next === Number.POSITIVE_INFINITY) return;
    if (next > performance.now()) this.#arm(next);
    else this.#end(this.#lost("no answer on the stream within the deadline", STATUS.DEADLINE_EXCEEDED));
  }
}
