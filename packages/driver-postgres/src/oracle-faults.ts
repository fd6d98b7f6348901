// SPDX-License-Identifier: Apache-2.0
import type { Epoch } from "@tsoracle/core";
import { StatementFailure } from "./failure.ts";
import type { Reply, Row } from "./session.ts";

/** @throws StatementFailure when the oracle is gone */
export function oneRow(reply: Reply, name: string): Row {
  const [row] = reply.rows;
  if (row !== undefined) return row;
  throw gone(name);
}

export function gone(name: string): StatementFailure {
  return StatementFailure.found(
    "SCHEMA",
    `there is no oracle "${name}" in this database any more`,
    "somebody removed its row: see the runbook on restores before making it again",
  );
}

export function wrongCluster(name: string): StatementFailure {
  return StatementFailure.found(
    "IDENTITY",
    `oracle "${name}" does not belong to this database cluster`,
    'it was restored from a dump: see the runbook on restores, then run "tsoracle postgres fast-forward"',
  );
}

/** The store forgot a reign. */
export function regressed(epoch: Epoch, stored: Epoch): StatementFailure {
  return StatementFailure.found(
    "REGRESSED",
    `epoch ${epoch} was installed, but the store is at ${stored}: it lost data`,
    'see the runbook on restores, then run "tsoracle postgres fast-forward"',
  );
}

/** The answers of one session come from different server processes. */
export function movedAway(expected: string, found: string | null | undefined): StatementFailure {
  return StatementFailure.found(
    "POOLER",
    `the session began with process ${expected}, but process ${found} answers`,
    "a connection pooler is in between: connect to the server itself",
    { outcome: "unknown", sent: true },
  );
}

/** Replication was turned off in mid-reign, so that a write may be on one server only. Turning it on again mends it. */
export function unreplicated(): StatementFailure {
  return StatementFailure.found(
    "NOT_REPLICATED",
    'durability "replicated" is asked for, but synchronous_standby_names is empty by now',
    'configure synchronous replication again, or ask for durability "fsync"',
    { kind: "transient", outcome: "unknown", sent: true },
  );
}
