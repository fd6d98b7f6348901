// SPDX-License-Identifier: Apache-2.0
// For tests and for servers that may forget everything.
export { MEMORY_CAPABILITIES } from "./memory-driver.ts";
export { type MemoryNodeOptions, MemoryStore, type MemoryStoreOptions, openMemoryDriver } from "./memory-store.ts";

// For those who test a server or a driver.
export {
  type DriverMethod,
  type FailNextOptions,
  type FaultControls,
  type FaultyDriver,
  type FaultyOptions,
  faulty,
} from "./faulty.ts";
