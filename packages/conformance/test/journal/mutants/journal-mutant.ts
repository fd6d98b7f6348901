// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import type { JournalClauseId, JournalSubject } from "../../../src/index.ts";
import {
  type JournalPlace,
  type JournalVariant,
  type MemoryJournalUniverse,
  memoryJournalSubject,
} from "../memory-journal-subject.ts";
import { type JournalRules, RuleStore } from "../rule-store.ts";

/** A journal that is wrong in one known way. */
export interface JournalMutant {
  readonly name: string;
  /** The mistake, as somebody could make it. */
  readonly mistake: string;
  /** Exactly the clauses that notice. */
  readonly breaks: readonly JournalClauseId[];
  readonly subject: JournalSubject;
}

/** Journals in memory on something like a medium, so that there is something to tear and to damage. */
export function mediumSubject(variant: JournalVariant = {}, rules: Partial<JournalRules> = {}): JournalSubject {
  return memoryJournalSubject({
    makeStore: () => new RuleStore(rules),
    ...variant,
    subject: {
      name: "rules",
      faults: ["crash", "loseReply", "stall", "partition", "tornTail", "corrupt"],
      waivers: {},
      ...variant.subject,
    },
    faults: (world) => ({
      // What was torn was never part of the journal, so there is nothing to remove.
      tornTail: async () => {},
      corrupt: async (id) => ruleStore(world).damage(id),
      ...variant.faults?.(world),
    }),
  });
}

/** A journal with one mistake, in what it decides or in what stands between it and its caller. */
export function journalMutant(
  name: string,
  mistake: string,
  breaks: readonly JournalClauseId[],
  wrong: JournalVariant & { readonly rules?: Partial<JournalRules> },
): JournalMutant {
  const { rules, ...variant } = wrong;
  const subject = mediumSubject({ ...variant, subject: { ...variant.subject, name } }, rules);
  return { name, mistake, breaks, subject };
}

export function ruleStore(world: MemoryJournalUniverse): RuleStore {
  const { store } = world;
  if (store instanceof RuleStore) return store;
  throw new TypeError("this universe has another store");
}

/** The same journal with some members replaced. */
export function alteredJournal(journal: FencedJournal, changes: Partial<FencedJournal>): FencedJournal {
  return {
    name: journal.name,
    limits: journal.limits,
    load: (...args) => journal.load(...args),
    createIfAbsent: (...args) => journal.createIfAbsent(...args),
    takeover: (...args) => journal.takeover(...args),
    append: (...args) => journal.append(...args),
    putSnapshot: (...args) => journal.putSnapshot(...args),
    truncateThrough: (...args) => journal.truncateThrough(...args),
    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
    ...changes,
  };
}

/** A variant that changes what one call does once it has rejected. */
export function wrapping(
  change: (journal: FencedJournal, place: JournalPlace) => Partial<FencedJournal>,
): Pick<JournalVariant, "wrap"> {
  return { wrap: (journal, place) => alteredJournal(journal, change(journal, place)) };
}

/** Every call through one function, which gets the call and may make it, or not, or again. */
export function throughAll(journal: FencedJournal, pass: <T>(call: () => Promise<T>) => Promise<T>): FencedJournal {
  return alteredJournal(journal, {
    load: (...args) => pass(() => journal.load(...args)),
    createIfAbsent: (...args) => pass(() => journal.createIfAbsent(...args)),
    takeover: (...args) => pass(() => journal.takeover(...args)),
    append: (...args) => pass(() => journal.append(...args)),
    putSnapshot: (...args) => pass(() => journal.putSnapshot(...args)),
    truncateThrough: (...args) => pass(() => journal.truncateThrough(...args)),
  });
}
