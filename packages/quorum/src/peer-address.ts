// SPDX-License-Identifier: Apache-2.0
import { QuorumError } from "./quorum-error.ts";

/** The form in which two addresses of one peer are equal: without trailing slashes, in lower case. */
export function normalisePeer(address: string): string {
  return address.replace(/\/+$/, "").toLowerCase();
}

/**
 * Refuses a list of peers in which one could vote twice.
 *
 * @throws QuorumError `duplicate_peer`, `invalid_peer`.
 */
export function checkPeers(addresses: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const address of addresses) {
    const normal = typeof address === "string" ? normalisePeer(address.trim()) : "";
    if (normal === "") throw QuorumError.invalidPeer(`expected the address of a peer, got ${JSON.stringify(address)}`);
    const earlier = seen.get(normal);
    if (earlier !== undefined) {
      throw QuorumError.duplicatePeer(
        `${JSON.stringify(address)} is ${JSON.stringify(earlier)} again; name each peer once`,
      );
    }
    seen.set(normal, address);
  }
}
