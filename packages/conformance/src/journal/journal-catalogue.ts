// SPDX-License-Identifier: Apache-2.0
import type { JournalClauseId } from "./clause-id.ts";
import { creatingClauses } from "./clauses/creating.ts";
import { historyClauses } from "./clauses/history.ts";
import { owningClauses } from "./clauses/owning.ts";
import { survivingClauses } from "./clauses/surviving.ts";
import { waitingClauses } from "./clauses/waiting.ts";
import { writingClauses } from "./clauses/writing.ts";
import type { JournalClause } from "./journal-clause.ts";

/** Every clause. A missing or an invented id does not compile. */
export const JOURNAL_CLAUSES: { readonly [Id in JournalClauseId]: JournalClause } = {
  ...creatingClauses,
  ...owningClauses,
  ...writingClauses,
  ...survivingClauses,
  ...waitingClauses,
  ...historyClauses,
};

/** Every id, in the order in which clauses run and reports list them. */
export const journalClauseIds: readonly JournalClauseId[] = Object.keys(JOURNAL_CLAUSES) as JournalClauseId[];
