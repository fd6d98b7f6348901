// SPDX-License-Identifier: Apache-2.0
import { type EpochBits, MemoryFenceStore } from "../src/index.ts";
import { storeContract } from "./store-contract.ts";

for (const bits of [64, 128] satisfies EpochBits[]) {
  const records = new Map<string, MemoryFenceStore>();
  storeContract(`memory, ${bits} bits`, bits, (record) => {
    const store = records.get(record) ?? new MemoryFenceStore();
    records.set(record, store);
    return store;
  });
}
