// SPDX-License-Identifier: Apache-2.0
import type { DriverCapabilities } from "@tsoracle/consensus";

/**
 * What the file driver promises. One node on one directory: nobody else can serve while it holds the
 * lock, so it needs no tenure.
 */
export const fileCapabilities: DriverCapabilities = Object.freeze({
  durability: "fsync",
  topology: "single",
  realTimeOrder: "exclusive",
  sequences: true,
  leases: true,
  membership: false,
});
