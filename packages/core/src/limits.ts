// SPDX-License-Identifier: Apache-2.0
import { invariant } from "./invariant.ts";

/** Bits of a packed timestamp that hold milliseconds since the Unix epoch. */
export const PHYSICAL_BITS: 46 = 46;
/** Bits of a packed timestamp that count within one millisecond. */
export const LOGICAL_BITS: 18 = 18;
/** Largest physical part: 2^46 - 1 ms, 4199-11-24T01:22:57.663Z. */
export const PHYSICAL_MS_MAX: number = 2 ** PHYSICAL_BITS - 1;
/** Largest logical part: 2^18 - 1. */
export const LOGICAL_MAX: number = 2 ** LOGICAL_BITS - 1;
/** Most timestamps in one request: all of one millisecond, because a grant never spans two. */
export const MAX_TIMESTAMPS_PER_RPC: number = LOGICAL_MAX + 1;

/** Longest sequence key, in bytes of UTF-8. */
export const MAX_SEQ_KEY_BYTES = 128;
/** Most values that one sequence request may take, unless the server is told otherwise. */
export const DEFAULT_MAX_SEQ_COUNT = 65_536;
/** Most keys in one sequence batch, unless the server is told otherwise. */
export const DEFAULT_MAX_SEQ_BATCH_KEYS = 128;
/** Most sequence keys in one store, unless the store was created with another cap. */
export const DEFAULT_SEQ_KEY_CAP = 10_000;

/** Longest lease holder, in bytes. */
export const MAX_LEASE_HOLDER_BYTES = 128;
/** Shortest lease, in milliseconds, unless the server is told otherwise. */
export const DEFAULT_LEASE_TTL_FLOOR_MS = 5_000;
/** Longest lease, in milliseconds, unless the server is told otherwise. */
export const DEFAULT_LEASE_TTL_CEILING_MS = 300_000;

/** How far ahead of the clock the durable high-water is kept, in milliseconds. */
export const DEFAULT_WINDOW_AHEAD_MS = 3_000;
/** How far a new leader moves the high-water before it serves, in milliseconds. */
export const DEFAULT_FAILOVER_ADVANCE_MS = 1_000;

/** Largest unsigned 64-bit and 128-bit integers. */
export const U64_MAX: bigint = 2n ** 64n - 1n;
export const U128_MAX: bigint = 2n ** 128n - 1n;

invariant(PHYSICAL_BITS + LOGICAL_BITS === 64, "the two parts of a timestamp fill 64 bits");
invariant(PHYSICAL_MS_MAX === 70_368_744_177_663, "the physical maximum is 2^46 - 1");
invariant(Number.isSafeInteger(PHYSICAL_MS_MAX), "a physical part is exact as a number");
invariant(DEFAULT_MAX_SEQ_COUNT <= 0xffff_ffff, "a sequence count fits the wire's 32 bits");
invariant(DEFAULT_LEASE_TTL_FLOOR_MS < DEFAULT_LEASE_TTL_CEILING_MS, "the lease floor is below the ceiling");
invariant(DEFAULT_FAILOVER_ADVANCE_MS <= DEFAULT_WINDOW_AHEAD_MS, "a failover advances at most one window");
