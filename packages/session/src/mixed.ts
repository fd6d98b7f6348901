// SPDX-License-Identifier: Apache-2.0
// Snapshots in one store, entries in another.
export { type MixedJournalOptions, mixedJournal } from "./stores/mixed/mixed-journal.ts";
