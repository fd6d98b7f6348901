// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../raft/types.ts";
import type { Replica } from "./replica.ts";
import type { Answer } from "./replica-host.ts";

/** What became of a request: refused, or whether leadership is being handed over. */
export interface HandoverReplies {
  answer(id: number, answer: Answer): void;
  value(id: number, begun: boolean): void;
}

/** Requests to hand leadership to a certain voter. Right after an election they wait until that one was heard from. */
export class Handovers {
  readonly #replica: Replica;
  readonly #replies: HandoverReplies;
  readonly #waiting = new Map<number, NodeId>();

  constructor(replica: Replica, replies: HandoverReplies) {
    this.#replica = replica;
    this.#replies = replies;
  }

  ask(id: number, to: NodeId): void {
    this.#waiting.set(id, to);
    this.tick();
  }

  forget(id: number): void {
    this.#waiting.delete(id);
  }

  tick(): void {
    for (const [id, to] of [...this.#waiting]) {
      const refusal = this.#replica.checkTransfer(to);
      if (refusal === "later") continue;
      this.#waiting.delete(id);
      if (refusal === undefined) this.#replies.value(id, this.#replica.transfer(to));
      else this.#replies.answer(id, { ok: false, refusal });
    }
  }
}
