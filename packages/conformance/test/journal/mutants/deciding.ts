// SPDX-License-Identifier: Apache-2.0
// Journals that decide wrongly.
import {
  checkJournalEntry,
  checkJournalId,
  JournalError,
  type JournalHead,
  type JournalWrite,
  journalHeadAfter,
  journalRefusal,
} from "@tsoracle/consensus";
import { LIMITS } from "../memory-journal-subject.ts";
import { type JournalMutant, journalMutant } from "./journal-mutant.ts";

/** The rule, as if the write came from the owner. */
function asOwner(id: string, head: JournalHead, write: JournalWrite): JournalError | undefined {
  return journalRefusal(id, head, { ...write, fence: head.fence });
}

export const decidingMutants: readonly JournalMutant[] = [
  journalMutant("folds-case", "Ids that differ in case are one.", ["journal.isolated"], {
    rules: { id: (id) => checkJournalId(id).toLowerCase() },
  }),
  journalMutant("epochs-as-numbers", "Epochs are compared as doubles.", ["journal.epoch-exact"], {
    rules: {
      refusal: (id, head, write) => {
        if (head === undefined || Number(head.fence.epoch) !== Number(write.fence.epoch)) {
          return journalRefusal(id, head, write);
        }
        return journalRefusal(id, head, { ...write, fence: { ...write.fence, epoch: head.fence.epoch } });
      },
    },
  }),
  journalMutant(
    "owner-only",
    "A write is checked for its owner's name and not for its epoch.",
    ["journal.epoch-exact", "journal.fenced", "journal.ungranted", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) =>
          head !== undefined && write.kind !== "takeover" && write.fence.owner === head.fence.owner
            ? asOwner(id, head, write)
            : journalRefusal(id, head, write),
      },
    },
  ),
  journalMutant(
    "epoch-only",
    "The present epoch is enough, whoever claims it.",
    ["journal.epoch-exact", "journal.split-brain", "journal.fence-first", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) =>
          head !== undefined && write.fence.epoch === head.fence.epoch
            ? asOwner(id, head, write)
            : journalRefusal(id, head, write),
      },
    },
  ),
  journalMutant(
    "at-least",
    "A write of a greater epoch is taken for one of the owner.",
    ["journal.epoch-exact", "journal.ungranted", "journal.fence-first", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) =>
          head !== undefined && write.kind !== "takeover" && write.fence.epoch > head.fence.epoch
            ? asOwner(id, head, write)
            : journalRefusal(id, head, write),
      },
    },
  ),
  journalMutant(
    "number-first",
    "The number is looked at before the fence.",
    ["journal.fence-first", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) =>
          (head === undefined ? undefined : asOwner(id, head, write)) ?? journalRefusal(id, head, write),
      },
    },
  ),
  journalMutant(
    "takeover-once",
    "The owner's own takeover is refused.",
    ["journal.takeover", "journal.takeover-from", "journal.lost-reply", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) => {
          const own = head !== undefined && write.kind === "takeover" && write.fence.epoch === head.fence.epoch;
          if (!own || write.fence.owner !== head.fence.owner) return journalRefusal(id, head, write);
          return new JournalError("fenced", "not greater");
        },
      },
    },
  ),
  journalMutant(
    "check-then-take",
    "A takeover looks at the epoch in one step and writes it in another.",
    ["journal.takeover-from", "journal.race"],
    { rules: { atomic: (kind) => kind !== "takeover" } },
  ),
  journalMutant(
    "takes-from-anybody",
    "A takeover from a certain owner takes the journal from whoever has it.",
    ["journal.takeover-from"],
    {
      rules: {
        refusal: (id, head, write) =>
          journalRefusal(id, head, write.kind === "takeover" ? { ...write, from: undefined } : write),
      },
    },
  ),
  journalMutant(
    "skips",
    "Any number that was not used yet is taken.",
    ["journal.next", "journal.snapshot-ahead", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) =>
          journalRefusal(
            id,
            head !== undefined && write.kind === "append" && write.seq > head.nextSeq
              ? { ...head, nextSeq: write.seq }
              : head,
            write,
          ),
      },
    },
  ),
  journalMutant(
    "swallows-duplicates",
    "A number that is used already is acknowledged as if it were the same entry.",
    [
      "journal.fence-first",
      "journal.next",
      "journal.concurrent",
      "journal.snapshot-ahead",
      "journal.durable",
      "journal.reopen",
      "journal.history",
    ],
    {
      wrap: (journal) => ({
        ...journal,
        append: (...args) =>
          journal.append(...args).catch((error: unknown) => {
            const duplicate = error instanceof JournalError && (error.nextSeq ?? args[2]) > args[2];
            if (!duplicate) throw error;
          }),
      }),
    },
  ),
  journalMutant(
    "check-then-append",
    "An append looks at the number in one step and writes in another.",
    ["journal.concurrent", "journal.cancel-in-flight", "journal.partition"],
    { rules: { atomic: (kind) => kind !== "append" } },
  ),
  journalMutant("keeps-the-array", "The caller's array is kept and not its bytes.", ["journal.bytes"], {
    // Past the fault injector, which copies what it holds.
    wrap: (journal) => ({
      ...journal,
      append: async (id, fence, seq, entry, ts, options) => {
        if (!(entry instanceof Uint8Array)) return await journal.append(id, fence, seq, entry, ts, options);
        await Promise.resolve();
        return await journal.append(id, fence, seq, entry, ts, options);
      },
    }),
  }),
  journalMutant("one-too-many", "An entry may be a byte larger than the limit.", ["journal.bounds"], {
    rules: { entry: (entry) => checkJournalEntry(entry, { ...LIMITS, maxEntryBytes: LIMITS.maxEntryBytes + 1 }) },
  }),
  journalMutant(
    "older-snapshot",
    "A snapshot may be replaced by an older one.",
    ["journal.snapshot", "journal.snapshot-ahead", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) =>
          journalRefusal(
            id,
            head !== undefined && write.kind === "snapshot" ? { ...head, snapshotSeq: undefined } : head,
            write,
          ),
      },
    },
  ),
  journalMutant(
    "ahead-stays",
    "A snapshot that is ahead leaves the next number where it was.",
    ["journal.snapshot-ahead", "journal.durable", "journal.reopen", "journal.history"],
    {
      rules: {
        after: (head, write) => {
          const after = journalHeadAfter(head, write);
          return write.kind === "snapshot" ? { ...after, nextSeq: head.nextSeq } : after;
        },
      },
    },
  ),
  journalMutant(
    "never-truncates",
    "A truncation is accepted and does nothing.",
    ["journal.snapshot-ahead", "journal.truncate", "journal.history"],
    {
      rules: { kept: (entries) => entries },
    },
  ),
  journalMutant(
    "truncates-anything",
    "A truncation does not look whether a snapshot covers it.",
    ["journal.truncate-covered", "journal.history"],
    {
      rules: {
        refusal: (id, head, write) =>
          journalRefusal(
            id,
            head !== undefined && write.kind === "truncate" ? { ...head, snapshotSeq: write.seq } : head,
            write,
          ),
      },
    },
  ),
];
