// SPDX-License-Identifier: Apache-2.0
import type { ClausesOf } from "../clause.ts";
import { electionClauses } from "./leadership-elections.ts";
import { streamClauses } from "./leadership-streams.ts";

export const leadershipClauses: ClausesOf<"leadership"> = { ...streamClauses, ...electionClauses };
