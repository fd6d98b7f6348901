// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import { epochOfTerm } from "./machine/machine.ts";
import type { Answer, Refusal } from "./replica-host.ts";
import type { Request, Value } from "./thread-protocol.ts";

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly mode: CallMode;
  readonly epoch: bigint | undefined;
  readonly timer: NodeJS.Timeout;
}

/** What a call that nobody answered in time may have done. */
export type CallMode = "read" | "write";

/** Calls that the consensus thread has been asked and has not answered, each with a deadline. */
export class PendingCalls {
  readonly #tell: (request: Request) => void;
  readonly #timeoutMs: number;
  readonly #calls = new Map<number, Pending>();
  #ids = 0;

  constructor(tell: (request: Request) => void, timeoutMs: number) {
    this.#tell = tell;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @throws ConsensusError as the answer says; without one `uncertain` for a write and `transient` for a read;
   * `permanent` for what cannot be handed to another thread, and then nothing was sent.
   */
  start<T>(make: (id: number) => Request, mode: CallMode): Promise<T> {
    this.#ids += 1;
    const id = this.#ids;
    const request = make(id);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => this.#late(id, mode), this.#timeoutMs);
      const epoch = "epoch" in request ? request.epoch : undefined;
      this.#calls.set(id, { resolve, reject, mode, epoch, timer });
      try {
        this.#tell(request);
      } catch (error) {
        this.#take(id);
        reject(ConsensusError.from(error));
      }
    });
  }

  answered(id: number, answer: Answer, term: number): void {
    const call = this.#take(id);
    if (call === undefined) return;
    if (!answer.ok) {
      call.reject(errorOf(answer.refusal, call.epoch, term));
      return;
    }
    const { outcome } = answer;
    if (outcome.kind === "refused") call.reject(new ConsensusError(outcome.code, outcome.message));
    else if (outcome.kind === "fenced") call.reject(fenced(outcome.epoch));
    else call.resolve(outcome as never);
  }

  value(id: number, value: Value): void {
    this.#take(id)?.resolve(value as never);
  }

  /** No answer will come any more: reads fail as it says, but a write may have been carried out. */
  fail(failure: ConsensusError): void {
    for (const id of [...this.#calls.keys()]) {
      const call = this.#take(id);
      const message = "no answer will come any more; the write may take effect or not";
      call?.reject(call.mode === "write" ? new ConsensusError("uncertain", message, { cause: failure }) : failure);
    }
  }

  #take(id: number): Pending | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    clearTimeout(call?.timer);
    return call;
  }

  #late(id: number, mode: CallMode): void {
    const call = this.#take(id);
    this.#tell({ kind: "forget", id });
    const waited = `no majority answered within ${this.#timeoutMs} ms`;
    call?.reject(
      mode === "write"
        ? new ConsensusError("uncertain", `${waited}; the write may take effect or not, now or later`)
        : new ConsensusError("transient", waited),
    );
  }
}

function errorOf(refusal: Refusal, epoch: bigint | undefined, term: number): ConsensusError {
  const { message } = refusal;
  switch (refusal.code) {
    case "not_leader": {
      const currentEpoch = epochOfTerm(term);
      if (epoch !== undefined && epoch < currentEpoch) return fenced(currentEpoch);
      return new ConsensusError("not_leader", message, { currentEpoch });
    }
    case "transient":
    case "uncertain":
      return new ConsensusError(refusal.code, message);
    case "refused":
      return new ConsensusError("permanent", message, { refusal: refusal.refusal });
    default:
      return refusal satisfies never;
  }
}

function fenced(currentEpoch: ReturnType<typeof epochOfTerm>): ConsensusError {
  return new ConsensusError("fenced", `the epoch is over; the cluster is in epoch ${currentEpoch}`, { currentEpoch });
}
