// SPDX-License-Identifier: Apache-2.0
import type { PeerOutcome, QuorumPeer, QuorumRecord } from "../src/index.ts";

/** What one attempt at a peer comes to; `hang` until `answer` is called. */
export type Attempt = PeerOutcome | "hang" | Error;

export const ack: PeerOutcome = { kind: "ack" };
export const drift: PeerOutcome = { kind: "id_drift" };
export const fail = (text = "http 500"): PeerOutcome => ({ kind: "fail", text });

/** A peer that follows its script, the last line again and again, and remembers what it was sent. */
export class ScriptedPeer implements QuorumPeer<string> {
  readonly id: string;
  readonly calls: { readonly id: string; readonly key: string }[] = [];
  readonly #script: Attempt[];
  readonly #hanging: ((outcome: PeerOutcome) => void)[] = [];

  constructor(id: string, ...script: Attempt[]) {
    this.id = id;
    this.#script = script;
  }

  send(record: QuorumRecord<string>, attempt: { readonly idempotencyKey: string }): Promise<PeerOutcome> {
    this.calls.push({ id: record.id, key: attempt.idempotencyKey });
    const line = (this.#script.length > 1 ? this.#script.shift() : this.#script[0]) ?? ack;
    if (line instanceof Error) return Promise.reject(line);
    if (line !== "hang") return Promise.resolve(line);
    return new Promise((resolve) => {
      this.#hanging.push(resolve);
    });
  }

  /** Ends every attempt that hangs. */
  answer(outcome: PeerOutcome): void {
    for (const resolve of this.#hanging.splice(0)) resolve(outcome);
  }
}
