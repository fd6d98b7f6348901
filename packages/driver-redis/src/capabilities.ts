// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";

/** How a leader knows that it may still answer; stored with the oracle, never chosen per process. */
export type Freshness = "lease" | "confirm";

/**
 * What an acknowledged write survives: `replicated`, the loss of a minority of nodes; `asynchronous`, nothing that can
 * be relied on, because there is one node only or a node may forget what it acknowledged.
 */
export type RedisDurability = "replicated" | "asynchronous";

const features = { topology: "cluster", sequences: false, leases: false, membership: false } as const;

function variants(durability: RedisDurability): { readonly [F in Freshness]: DriverCapabilities } {
  return {
    lease: Object.freeze({ ...features, durability, realTimeOrder: "lease" }),
    confirm: Object.freeze({ ...features, durability, realTimeOrder: "confirm" }),
  };
}

const all: { readonly [D in RedisDurability]: { readonly [F in Freshness]: DriverCapabilities } } = {
  replicated: variants("replicated"),
  asynchronous: variants("asynchronous"),
};

/** What the driver promises in its default configuration: three nodes or more with synced append-only files, freshness by lease. */
export const redisCapabilities: DriverCapabilities = all.replicated.lease;

/** What the driver promises in a configuration. Frozen, and the same object for the same configuration. */
export function redisCapabilitiesOf(durability: RedisDurability, freshness: Freshness): DriverCapabilities {
  return all[durability][freshness];
}
