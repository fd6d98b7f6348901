// SPDX-License-Identifier: Apache-2.0
// For those who test a driver.

// For those who build on the kit itself.
export { CLAUSES, clauseIds } from "./catalogue.ts";
export { type CheckOptions, check } from "./check.ts";
export { type Clause, type ClausesOf, clause } from "./clause.ts";
export type { ClauseGroup, ClauseId } from "./clause-id.ts";
export { conformance } from "./conformance.ts";
export {
  type CheckJournalOptions,
  checkJournal,
  type JournalClauseResult,
  type JournalReport,
} from "./journal/check-journal.ts";
export type { JournalClauseId } from "./journal/clause-id.ts";
export { JOURNAL_CLAUSES, journalClauseIds } from "./journal/journal-catalogue.ts";
export { type JournalClause, type JournalClauses, type JournalTrial, journalClause } from "./journal/journal-clause.ts";
export { journalConformance } from "./journal/journal-conformance.ts";
export type { JournalFaultName, JournalFaults, JournalSubject, JournalUniverse } from "./journal/journal-subject.ts";
export { loadSubject } from "./load-subject.ts";
export { deriveSeed, Random } from "./random.ts";
export { renderClauses, renderJson, renderMarkdown, renderReport } from "./render.ts";
export { type ClauseResult, declaredReport, type Report } from "./report.ts";
export type { RunOptions } from "./settings.ts";
export type { FaultName, Faults, Release, Runner, Subject, Universe } from "./subject.ts";
export type { Reign, Trial } from "./trial.ts";
export type { Outcome } from "./verdict.ts";
export { type StreamEnd, Watch } from "./watch.ts";
