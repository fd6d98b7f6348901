// SPDX-License-Identifier: Apache-2.0
// The memory driver, for tests and for servers that may forget everything; and faults for whoever tests
// against any driver.
export type { DriverMethod, FailNextOptions, FaultControls } from "./fault-controls.ts";
export { type FaultyDriver, type FaultyOptions, faulty } from "./faulty.ts";
export { type FaultyJournal, faultyJournal, type JournalMethod } from "./journal/faulty-journal.ts";
export { MemoryJournalStore, openMemoryJournal } from "./journal/memory-journal.ts";
export { MEMORY_CAPABILITIES } from "./memory-driver.ts";
export { type MemoryNodeOptions, MemoryStore, type MemoryStoreOptions, openMemoryDriver } from "./memory-store.ts";
