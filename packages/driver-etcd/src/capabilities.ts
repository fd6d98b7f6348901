// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";

/** How a leader knows that it may still answer; stored with the oracle, never chosen per process. */
export type Freshness = "lease" | "confirm";

const features = {
  durability: "replicated",
  topology: "cluster",
  sequences: true,
  leases: true,
  membership: false,
} as const;

const all: { readonly [F in Freshness]: DriverCapabilities } = {
  lease: Object.freeze({ ...features, realTimeOrder: "lease" }),
  confirm: Object.freeze({ ...features, realTimeOrder: "confirm" }),
};

/** What the driver promises in its default configuration. */
export const etcdCapabilities: DriverCapabilities = all.lease;

/** What the driver promises in a configuration. Frozen, and the same object for the same configuration. */
export function etcdCapabilitiesOf(freshness: Freshness): DriverCapabilities {
  return all[freshness];
}
