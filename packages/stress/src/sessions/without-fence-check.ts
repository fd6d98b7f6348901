// SPDX-License-Identifier: Apache-2.0
import { type FencedJournal, JournalError, type JournalFence } from "@tsoracle/consensus";

/** Somebody else writes in between again and again. */
const ATTEMPTS = 8;

/**
 * The control: the same store, to which every write comes in the name of whoever owns the session at that moment, and
 * under the number that comes next. An owner that was deposed writes on as if nothing had happened. A run that does not
 * notice could not notice a store that forgets its fence either.
 */
export function withoutFenceCheck(journal: FencedJournal): FencedJournal {
  const asOwner = async (id: string, write: (fence: JournalFence, nextSeq: number) => Promise<void>): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const { fence, nextSeq } = await journal.load(id);
      try {
        await write(fence, nextSeq);
        return;
      } catch (error) {
        const { code } = JournalError.from(error);
        if (attempt >= ATTEMPTS || (code !== "conflict" && code !== "fenced")) throw error;
      }
    }
  };
  return {
    name: journal.name,
    limits: journal.limits,
    load: (...call) => journal.load(...call),
    createIfAbsent: (...call) => journal.createIfAbsent(...call),
    takeover: (...call) => journal.takeover(...call),
    append: (id, _, __, entry, ts, options) =>
      asOwner(id, (fence, nextSeq) => journal.append(id, fence, nextSeq, entry, ts, options)),
    // A snapshot of a deposed owner covers what it never saw; one that the store would refuse is as good as taken.
    putSnapshot: (id, _, seq, bytes, options) =>
      asOwner(id, (fence) => journal.putSnapshot(id, fence, seq, bytes, options)).catch(() => {}),
    truncateThrough: (id, _, seq, options) =>
      asOwner(id, (fence) => journal.truncateThrough(id, fence, seq, options)).catch(() => {}),
    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
  };
}
