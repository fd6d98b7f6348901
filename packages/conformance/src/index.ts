// SPDX-License-Identifier: Apache-2.0
// For those who test a driver.

// For those who build on the kit itself.
export { CLAUSES, clauseIds } from "./catalogue.ts";
export { type CheckOptions, check } from "./check.ts";
export { type Clause, type ClausesOf, clause } from "./clause.ts";
export type { ClauseGroup, ClauseId } from "./clause-id.ts";
export { conformance } from "./conformance.ts";
export { loadSubject } from "./load-subject.ts";
export { deriveSeed, Random } from "./random.ts";
export { renderClauses, renderJson, renderMarkdown, renderReport } from "./render.ts";
export { type ClauseResult, declaredReport, type Report } from "./report.ts";
export type { RunOptions } from "./settings.ts";
export type { FaultName, Faults, Release, Runner, Subject, Universe } from "./subject.ts";
export type { Reign, Trial } from "./trial.ts";
export type { Outcome } from "./verdict.ts";
export { type StreamEnd, Watch } from "./watch.ts";
