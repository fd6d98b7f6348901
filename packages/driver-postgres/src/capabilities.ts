// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";

/** How a leader knows that it may still answer; stored with the oracle, never chosen per process. */
export type Freshness = "lease" | "confirm";

/**
 * What an acknowledged write survives: `fsync`, a crash of the server's machine; `replicated`, its loss, because a
 * synchronous standby has the write as well.
 */
export type PostgresDurability = "fsync" | "replicated";

const features = { topology: "cluster", sequences: true, leases: true, membership: false } as const;

const all: { readonly [D in PostgresDurability]: { readonly [F in Freshness]: DriverCapabilities } } = {
  fsync: {
    lease: Object.freeze({ ...features, durability: "fsync", realTimeOrder: "lease" }),
    confirm: Object.freeze({ ...features, durability: "fsync", realTimeOrder: "confirm" }),
  },
  replicated: {
    lease: Object.freeze({ ...features, durability: "replicated", realTimeOrder: "lease" }),
    confirm: Object.freeze({ ...features, durability: "replicated", realTimeOrder: "confirm" }),
  },
};

/** What the driver promises in its default configuration: one server with fsync, freshness by lease. */
export const postgresCapabilities: DriverCapabilities = all.fsync.lease;

/** What the driver promises in a configuration. Frozen, and the same object for the same configuration. */
export function postgresCapabilitiesOf(durability: PostgresDurability, freshness: Freshness): DriverCapabilities {
  return all[durability][freshness];
}
