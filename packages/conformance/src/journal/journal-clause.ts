// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import type { Random } from "../random.ts";
import type { JournalClauseId } from "./clause-id.ts";
import type { JournalFaultName, JournalFaults, JournalSubject } from "./journal-subject.ts";

/** What the body of a clause works with. Everything it opens is closed for it. */
export interface JournalTrial<
  Needs extends JournalFaultName = JournalFaultName,
  Uses extends JournalFaultName = JournalFaultName,
> {
  readonly subject: JournalSubject;
  /** The faults that the clause declares, and no others. */
  readonly faults: Pick<JournalFaults, Needs> & Partial<Pick<JournalFaults, Uses>>;
  /** Seeded: the same in every run with the same seed. */
  readonly random: Random;
  /** Aborted when the clause has run out of time. */
  readonly signal: AbortSignal;
  /** Opens a node, or opens it again. */
  open(node: number): Promise<FencedJournal>;
  /** Opens every node, in order. */
  openAll(): Promise<readonly FencedJournal[]>;
  /** Disposes a journal now and not at the end. */
  close(journal: FencedJournal): Promise<void>;
  /** A trial over another universe of the same subject. */
  another(): Promise<JournalTrial<Needs, Uses> & AsyncDisposable>;
}

/** One testable sentence of the contract. Data: what runs it is elsewhere. */
export interface JournalClause<
  Needs extends JournalFaultName = JournalFaultName,
  Uses extends JournalFaultName = JournalFaultName,
> {
  /** What holds, in one sentence. */
  readonly sentence: string;
  /** Faults without which the clause cannot be exercised. Its body can call no others. */
  readonly needs: readonly Needs[];
  /** Faults that the body uses where the harness has them. */
  readonly uses?: readonly Uses[];
  /** Fewest nodes that have the store open at once. @defaultValue 1 */
  readonly nodes?: number;
  /** How many seeds it is tried with. @defaultValue 1 */
  readonly runs?: number;
  /** Why the clause says nothing about this subject; undefined if it applies. */
  readonly inapplicable?: (subject: JournalSubject) => string | undefined;
  /** Rejects with an `AssertionError` exactly if the journal breaks the clause. */
  readonly body: (trial: JournalTrial<Needs, Uses>) => Promise<void>;
}

/** Some of the clauses, by their ids. */
export type JournalClauses<Id extends JournalClauseId> = { readonly [Key in Id]: JournalClause };

/** Checks that a body calls only faults that its clause declares. */
export function journalClause<
  const Needs extends JournalFaultName = never,
  const Uses extends JournalFaultName = never,
>(definition: JournalClause<Needs, Uses>): JournalClause {
  return definition as JournalClause;
}
