// SPDX-License-Identifier: Apache-2.0
import { type JournalCreation, JournalError, type JournalFence } from "@tsoracle/consensus";
import { distrusted } from "./disk-fault.ts";
import { SessionFile, type SessionPlace } from "./session-file.ts";
import { type QueueTerms, WorkQueue } from "./work-queue.ts";

/** How many sessions are remembered while nobody uses them; any other is read again from its files. */
const MOST_IDLE = 1_024;

interface Slot {
  readonly queue: WorkQueue;
  session: SessionFile | undefined;
}

/**
 * The sessions of one directory. One at a time works on each; one write in doubt ends the trust in all, because they
 * share a medium.
 */
export class SessionFiles {
  readonly #place: SessionPlace;
  readonly #slots = new Map<string, Slot>();
  #fault: JournalError | undefined;

  constructor(place: SessionPlace) {
    this.#place = place;
  }

  get isIdle(): boolean {
    return [...this.#slots.values()].every(({ queue }) => queue.isIdle);
  }

  /** Resolves when nothing is being done. */
  async idle(): Promise<void> {
    await Promise.all([...this.#slots.values()].map(({ queue }) => queue.idle()));
  }

  /** Works on a session that is there. @throws JournalError `unknown_session` and whatever the work throws. */
  use<T>(id: string, work: (session: SessionFile) => Promise<T>, terms: QueueTerms): Promise<T> {
    return this.#run(id, terms, async (slot) => {
      slot.session ??= await this.#open(id);
      if (slot.session === undefined) {
        throw new JournalError("unknown_session", `there is no journal of session ${JSON.stringify(id)}`);
      }
      return await work(slot.session);
    });
  }

  createIfAbsent(
    id: string,
    fence: JournalFence,
    first: Uint8Array | undefined,
    terms: QueueTerms,
  ): Promise<JournalCreation> {
    return this.#run(id, terms, async (slot) => {
      slot.session ??= await this.#open(id);
      if (slot.session !== undefined) return { created: false, ...slot.session.head };
      slot.session = await SessionFile.create(this.#place, id, fence, first);
      return { created: true, ...slot.session.head };
    });
  }

  /** A repair that ends in doubt is no doubt about the call that came upon it: nothing of that was written. */
  async #open(id: string): Promise<SessionFile | undefined> {
    try {
      return await SessionFile.open(this.#place, id);
    } catch (error) {
      if (!(error instanceof JournalError && error.code === "uncertain")) throw error;
      this.#fault ??= distrusted(this.#place.directory, error);
      throw this.#fault;
    }
  }

  #run<T>(id: string, terms: QueueTerms, work: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = this.#slotOf(id);
    return slot.queue.run(async () => {
      if (this.#fault !== undefined) throw this.#fault;
      try {
        return await work(slot);
      } catch (error) {
        throw this.#noteFault(error);
      }
    }, terms);
  }

  /** What ended in doubt, and what nobody foresaw, ends the trust in the directory. */
  #noteFault(error: unknown): JournalError {
    if (error instanceof JournalError) {
      if (error.code === "uncertain") this.#fault ??= distrusted(this.#place.directory, error);
      return error;
    }
    this.#fault ??= distrusted(this.#place.directory, error);
    return JournalError.from(error);
  }

  #slotOf(id: string): Slot {
    const found = this.#slots.get(id);
    const slot = found ?? { queue: new WorkQueue(), session: undefined };
    // The map keeps its order: used last is last, and what was not used for longest goes first.
    this.#slots.delete(id);
    if (this.#slots.size >= MOST_IDLE) this.#forgetOne();
    this.#slots.set(id, slot);
    return slot;
  }

  #forgetOne(): void {
    for (const [id, { queue }] of this.#slots) {
      if (!queue.isIdle) continue;
      this.#slots.delete(id);
      return;
    }
  }
}
