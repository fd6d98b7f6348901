// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import * as core from "../src/index.ts";

describe("limits", () => {
  it("are the numbers that the wire and the other implementation rely on", () => {
    expect({
      PHYSICAL_BITS: core.PHYSICAL_BITS,
      LOGICAL_BITS: core.LOGICAL_BITS,
      PHYSICAL_MS_MAX: core.PHYSICAL_MS_MAX,
      LOGICAL_MAX: core.LOGICAL_MAX,
      MAX_TIMESTAMPS_PER_RPC: core.MAX_TIMESTAMPS_PER_RPC,
      MAX_SEQ_KEY_BYTES: core.MAX_SEQ_KEY_BYTES,
      DEFAULT_MAX_SEQ_COUNT: core.DEFAULT_MAX_SEQ_COUNT,
      DEFAULT_MAX_SEQ_BATCH_KEYS: core.DEFAULT_MAX_SEQ_BATCH_KEYS,
      DEFAULT_SEQ_KEY_CAP: core.DEFAULT_SEQ_KEY_CAP,
      MAX_LEASE_HOLDER_BYTES: core.MAX_LEASE_HOLDER_BYTES,
      DEFAULT_LEASE_TTL_FLOOR_MS: core.DEFAULT_LEASE_TTL_FLOOR_MS,
      DEFAULT_LEASE_TTL_CEILING_MS: core.DEFAULT_LEASE_TTL_CEILING_MS,
    }).toEqual({
      PHYSICAL_BITS: 46,
      LOGICAL_BITS: 18,
      PHYSICAL_MS_MAX: 70_368_744_177_663,
      LOGICAL_MAX: 262_143,
      MAX_TIMESTAMPS_PER_RPC: 262_144,
      MAX_SEQ_KEY_BYTES: 128,
      DEFAULT_MAX_SEQ_COUNT: 65_536,
      DEFAULT_MAX_SEQ_BATCH_KEYS: 128,
      DEFAULT_SEQ_KEY_CAP: 10_000,
      MAX_LEASE_HOLDER_BYTES: 128,
      DEFAULT_LEASE_TTL_FLOOR_MS: 5_000,
      DEFAULT_LEASE_TTL_CEILING_MS: 300_000,
    });
  });

  it("relate as the parts that use them assume", () => {
    // The largest timestamp is the largest unsigned 64-bit integer, so every one unpacks.
    expect(core.packTimestamp(core.PHYSICAL_MS_MAX, core.LOGICAL_MAX)).toBe(core.U64_MAX);
    // One request may take a whole millisecond and nothing more.
    expect(core.MAX_TIMESTAMPS_PER_RPC).toBe(core.LOGICAL_MAX + 1);
    // Sums of a clock reading and any default span stay exact, so a comparison with the maximum is exact, too.
    expect(Number.isSafeInteger(core.PHYSICAL_MS_MAX + core.DEFAULT_LEASE_TTL_CEILING_MS)).toBe(true);
    // A batch of the largest requests cannot overflow a fresh counter.
    expect(BigInt(core.DEFAULT_MAX_SEQ_COUNT) * BigInt(core.DEFAULT_MAX_SEQ_BATCH_KEYS)).toBeLessThan(core.U64_MAX);
    // An issued window after a failover is never larger than an ordinary one.
    expect(core.DEFAULT_FAILOVER_ADVANCE_MS).toBeLessThanOrEqual(core.DEFAULT_WINDOW_AHEAD_MS);
  });
});
