// SPDX-License-Identifier: Apache-2.0
import type { Clause } from "./clause.ts";
import type { ClauseId } from "./clause-id.ts";
import { advanceClauses } from "./clauses/advance.ts";
import { cancelClauses } from "./clauses/cancel.ts";
import { confirmClauses } from "./clauses/confirm.ts";
import { durableClauses } from "./clauses/durable.ts";
import { fencingClauses } from "./clauses/fencing.ts";
import { harnessClauses } from "./clauses/harness.ts";
import { historyClauses } from "./clauses/history.ts";
import { latencyClauses } from "./clauses/latency.ts";
import { leadershipClauses } from "./clauses/leadership.ts";
import { leasesClauses } from "./clauses/leases.ts";
import { lifecycleClauses } from "./clauses/lifecycle.ts";
import { loadClauses } from "./clauses/load.ts";
import { membershipClauses } from "./clauses/membership.ts";
import { sequencesClauses } from "./clauses/sequences.ts";
import { uncertainClauses } from "./clauses/uncertain.ts";

/** Every clause. A missing or an invented id does not compile. */
export const CLAUSES: { readonly [Id in ClauseId]: Clause } = {
  ...harnessClauses,
  ...lifecycleClauses,
  ...leadershipClauses,
  ...loadClauses,
  ...advanceClauses,
  ...durableClauses,
  ...fencingClauses,
  ...confirmClauses,
  ...uncertainClauses,
  ...cancelClauses,
  ...latencyClauses,
  ...sequencesClauses,
  ...leasesClauses,
  ...membershipClauses,
  ...historyClauses,
};

/** Every id, in the order in which clauses run and reports list them. */
export const clauseIds: readonly ClauseId[] = Object.keys(CLAUSES) as ClauseId[];
