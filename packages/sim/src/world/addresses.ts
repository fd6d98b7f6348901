// SPDX-License-Identifier: Apache-2.0
import { type PeerEndpoint, peerEndpoint } from "@tsoracle/core";

/** Where a node would be reached; only its text matters here. */
export function addressesOf(id: number): {
  readonly peerEndpoint: PeerEndpoint;
  readonly clientEndpoint: PeerEndpoint;
} {
  return {
    peerEndpoint: peerEndpoint(`127.0.0.1:${7_000 + id}`),
    clientEndpoint: peerEndpoint(`127.0.0.1:${8_000 + id}`),
  };
}
