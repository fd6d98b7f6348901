// SPDX-License-Identifier: Apache-2.0
import type { Message } from "../raft/types.ts";

/** Most messages that wait for one peer, heartbeats apart. More are dropped: Raft repeats what matters. */
export const OUTBOX_LIMIT = 256;

/**
 * What waits for one peer's stream (raft.md N7, X5): in order, bounded, heartbeats ahead of bulk and
 * only the newest of each kind, since each says all that an earlier one said.
 */
export class Outbox {
  readonly #limit: number;
  readonly #heartbeats = new Map<"MsgHeartbeat" | "MsgHeartbeatResp", Message>();
  #waiting: Message[] = [];
  #dropped = 0;

  constructor(limit: number = OUTBOX_LIMIT) {
    this.#limit = limit;
  }

  /** Whether it was taken. A message that was not is lost, as a network may lose it. */
  offer(message: Message): boolean {
    if (message.type === "MsgHeartbeat" || message.type === "MsgHeartbeatResp") {
      this.#heartbeats.delete(message.type);
      this.#heartbeats.set(message.type, message);
      return true;
    }
    if (this.#waiting.length >= this.#limit) {
      this.#dropped += 1;
      return false;
    }
    this.#waiting.push(message);
    return true;
  }

  take(): Message | undefined {
    for (const [type, heartbeat] of this.#heartbeats) {
      this.#heartbeats.delete(type);
      return heartbeat;
    }
    return this.#waiting.shift();
  }

  /** Forgets everything that waits; returns it, so that lost snapshots can be reported. */
  clear(): readonly Message[] {
    const lost = this.#waiting;
    this.#waiting = [];
    this.#heartbeats.clear();
    return lost;
  }

  get size(): number {
    return this.#waiting.length + this.#heartbeats.size;
  }

  /** How many messages found no room. */
  get dropped(): number {
    return this.#dropped;
  }
}
