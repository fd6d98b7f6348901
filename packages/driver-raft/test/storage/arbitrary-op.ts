// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import type { Op } from "./model.ts";

/** Anything that a node may ask of its storage. */
export const arbitraryOp: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    kind: fc.constant("append" as const),
    count: fc.integer({ min: 1, max: 4 }),
    size: fc.integer({ min: 10, max: 1500 }),
  }),
  fc.record({ kind: fc.constant("vote" as const) }),
  fc.record({
    kind: fc.constant("overwrite" as const),
    back: fc.integer({ min: 0, max: 4 }),
    count: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant("commit" as const), by: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant("snapshot" as const), trailing: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ kind: fc.constant("install" as const), ahead: fc.integer({ min: 0, max: 6 }) }),
);
