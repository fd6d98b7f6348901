// SPDX-License-Identifier: Apache-2.0
import type { ReadOnlyOption } from "./raft-config.ts";
import { emptyBytes, type Message, type NodeId } from "./types.ts";

/** A read that waits for a quorum: the index it will see, and the round of heartbeats that began after it came. */
export interface PendingRead {
  readonly request: Message;
  readonly index: number;
  readonly round: number;
}

/**
 * The leader's heartbeat rounds, and the reads that wait for them (`raft.md` Q1, Q2).
 *
 * Every round has a number, larger than all before; it travels in the heartbeat's context and comes back with the
 * answer. A follower that answered round n acknowledges the leader at a time after n was sent, hence also all rounds
 * before. Numbers are never used again by this node in this run, and answers of earlier terms never get here.
 */
export class ReadOnly {
  readonly option: ReadOnlyOption;
  #round = 0;
  #pending: PendingRead[] = [];
  readonly #acked = new Map<NodeId, number>();

  constructor(option: ReadOnlyOption) {
    this.option = option;
  }

  /** The newest round; 0 before the first. */
  get round(): number {
    return this.#round;
  }

  hasPending(): boolean {
    return this.#pending.length !== 0;
  }

  /** Begins a round and returns its number. */
  beginRound(): number {
    this.#round += 1;
    return this.#round;
  }

  /** Begins a round for a read that will see `index`. */
  addRead(request: Message, index: number): number {
    const round = this.beginRound();
    this.#pending.push({ request, index, round });
    return round;
  }

  /** The newest round that `id` has answered; 0 for none. */
  acked(id: NodeId): number {
    return this.#acked.get(id) ?? 0;
  }

  recordAck(id: NodeId, round: number): void {
    if (round > this.acked(id) && round <= this.#round) this.#acked.set(id, round);
  }

  /** Takes out the reads that a quorum's answer to `round` confirms, in the order they came. */
  confirm(round: number): readonly PendingRead[] {
    let confirmed = 0;
    for (const read of this.#pending) {
      if (read.round > round) break;
      confirmed += 1;
    }
    return confirmed === 0 ? noReads : this.#pending.splice(0, confirmed);
  }

  /** Forgets reads and answers at a change of role; the numbers go on. */
  reset(): void {
    if (this.#pending.length !== 0) this.#pending = [];
    if (this.#acked.size !== 0) this.#acked.clear();
  }
}

const noReads: readonly PendingRead[] = Object.freeze([]);

/** A round as the context of a heartbeat: 8 bytes, the high half first. */
export function encodeRound(round: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(round / 2 ** 32));
  view.setUint32(4, round % 2 ** 32);
  return bytes;
}

/** The round in a heartbeat's context; 0, which no round has, for anything else. */
export function decodeRound(context: Uint8Array): number {
  if (context.length !== 8) return 0;
  const view = new DataView(context.buffer, context.byteOffset, 8);
  const round = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  return Number.isSafeInteger(round) ? round : 0;
}

/** The context of a heartbeat that asks nothing. */
export const noRound: Uint8Array = emptyBytes;
