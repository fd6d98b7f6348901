// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";
import type { Freshness } from "./node/thread-protocol.ts";

const features = {
  durability: "replicated",
  topology: "cluster",
  sequences: true,
  leases: true,
  membership: true,
} as const;

const byFreshness: Readonly<Record<Freshness, DriverCapabilities>> = Object.freeze({
  lease: Object.freeze({ ...features, realTimeOrder: "lease" }),
  confirm: Object.freeze({ ...features, realTimeOrder: "confirm" }),
});

/** What a driver opened in this mode promises; frozen, and the same object each time. */
export function raftCapabilitiesOf(freshness: Freshness): DriverCapabilities {
  return byFreshness[freshness];
}

/** What the driver promises by default. */
export const RAFT_CAPABILITIES: DriverCapabilities = byFreshness.confirm;
