// SPDX-License-Identifier: Apache-2.0
// Sessions of many processes, kept in a Postgres database. Needs the package `pg`.
export { type InstallPostgresJournalOptions, installPostgresJournal } from "./stores/postgres/install.ts";
export { openPostgresJournal } from "./stores/postgres/open.ts";
export type { PostgresJournalOptions } from "./stores/postgres/options.ts";
export type { PostgresAddressOptions, PostgresJournalTls } from "./stores/postgres/target.ts";
