// SPDX-License-Identifier: Apache-2.0
import { type Deadline, unreachable } from "./group-errors.ts";
import type { ReplicaGroup } from "./replica-group.ts";
import { ReplicatedSession } from "./replicated-session.ts";

/** How many sessions are remembered while nobody uses them: of any other the lead is taken again. */
const MOST_IDLE = 4_096;

interface Slot {
  readonly session: ReplicatedSession;
  tail: Promise<unknown>;
  users: number;
}

/** The sessions that this process works on; writes of one session go one after the other. */
export class SessionShelf {
  readonly #group: ReplicaGroup;
  readonly #slots = new Map<string, Slot>();

  constructor(group: ReplicaGroup) {
    this.#group = group;
  }

  async read<T>(id: string, work: (session: ReplicatedSession) => Promise<T>): Promise<T> {
    return await this.#use(id, ({ session }) => work(session));
  }

  /** Work that does not get its turn in time is never done. @throws JournalError `transient` */
  async write<T>(id: string, deadline: Deadline, work: (session: ReplicatedSession) => Promise<T>): Promise<T> {
    return await this.#use(id, (slot) => {
      const turn = slot.tail.then(async () => {
        if (deadline.isOver()) throw unreachable("write", "writes before this one took all the time");
        return await work(slot.session);
      });
      slot.tail = turn.catch(() => {});
      return turn;
    });
  }

  async #use<T>(id: string, work: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = this.#slots.get(id) ?? {
      session: new ReplicatedSession(id, this.#group),
      tail: Promise.resolve(),
      users: 0,
    };
    // The map keeps its order: used last is last, and what was not used for longest goes first.
    this.#slots.delete(id);
    if (this.#slots.size >= MOST_IDLE) this.#forgetOne();
    this.#slots.set(id, slot);
    slot.users += 1;
    try {
      return await work(slot);
    } finally {
      slot.users -= 1;
    }
  }

  #forgetOne(): void {
    for (const [id, { users }] of this.#slots) {
      if (users > 0) continue;
      this.#slots.delete(id);
      return;
    }
  }
}
