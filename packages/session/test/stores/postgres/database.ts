// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { runSql } from "@tsoracle/test-services";
import { installPostgresJournal } from "../../../src/postgres.ts";

/** What servers connect as: it may do what they need and nothing else. */
export const ROLE = "journalapp";

/** Journals of one test: the owner's URL, and the schema that is its own. */
export interface JournalTables {
  readonly database: string;
  readonly schema: string;
}

/** Makes the tables in a schema of their own. `database` is the URL of the owner. */
export async function prepareTables(database: string): Promise<JournalTables> {
  // Roles belong to the whole server, so the second who asks finds it there.
  await runSql(
    database,
    `DO $$ BEGIN CREATE ROLE ${ROLE} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
  );
  const schema = `journal_${randomBytes(6).toString("hex")}`;
  await installPostgresJournal({ url: database, role: ROLE, schema });
  return { database, schema };
}

/** The same URL with another user, who needs no password on the servers of the tests. */
export function asRole(url: string, role: string = ROLE): string {
  const own = new URL(url);
  own.username = role;
  own.password = "";
  return own.href;
}
