// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import { checkPostgresOptions, type PostgresJournalOptions } from "./options.ts";
import { PostgresJournal } from "./postgres-journal.ts";

/**
 * Opens the journals of a Postgres database. Any number of processes may have them open. Resolves when one connection has
 * shown that the server, the tables and the role are as they must be; after that it connects again by itself.
 *
 * A write whose answer was lost, or came too late, is `uncertain`. The session's row decides every write, so that one
 * that arrives late is refused like any other.
 *
 * @throws JournalError `invalid` for an option; `permanent` where a person has to change something (login, tables,
 * privileges, a pooler, `fsync=off`); `transient` when the server cannot be reached or is a standby
 */
export async function openPostgresJournal(options: PostgresJournalOptions): Promise<FencedJournal> {
  const journal = new PostgresJournal(checkPostgresOptions(options));
  try {
    await journal.probe();
    return journal;
  } catch (error) {
    await journal[Symbol.asyncDispose]();
    throw error;
  }
}
