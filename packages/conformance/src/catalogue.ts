// SPDX-License-Identifier: Apache-2.0
import type { Clause } from "./clause.ts";
import type { ClauseId } from "./clause-id.ts";

/** Every clause. A missing or an invented id does not compile. */
export const CLAUSES: { readonly [Id in ClauseId]: Clause } = {} as { readonly [Id in ClauseId]: Clause };

/** Every id, in the order in which clauses run and reports list them. */
export const clauseIds: readonly ClauseId[] = Object.keys(CLAUSES) as ClauseId[];
