// SPDX-License-Identifier: Apache-2.0
import { parsePeerEndpoint } from "@tsoracle/core";
import type { NodeId } from "../raft/types.ts";
import type { Hello } from "../transport/hello.ts";
import type { Machine } from "./machine/machine.ts";

/** Nodes of unknown address that are believed at a time; a cluster adds its members one by one. */
export const MOST_HEARD = 16;

/**
 * Where the peers of one node are reached: as it was told at its start, which may be its own way to them; else as the list
 * of members says; else as a peer says itself. The last is for a node that lags behind: it has not heard yet that
 * somebody joined, and could not answer if that one leads.
 */
export class PeerAddresses {
  readonly #self: NodeId;
  readonly #told: ReadonlyMap<NodeId, string>;
  readonly #heard = new Map<NodeId, string>();

  constructor(self: NodeId, told: ReadonlyMap<NodeId, string>) {
    this.#self = self;
    this.#told = told;
  }

  /**
   * A peer names its own address. Returns whether that is news; then {@link PeerAddresses.all} has one more. The first word
   * of an unknown peer stays, since the address of a member never changes.
   */
  hear({ nodeId, peerEndpoint }: Pick<Hello, "nodeId" | "peerEndpoint">, machine: Machine): boolean {
    const isKnown = machine.member(nodeId) !== undefined || this.#told.has(nodeId) || this.#heard.has(nodeId);
    if (isKnown || machine.wasRemoved(nodeId) || !parsePeerEndpoint(peerEndpoint).ok) return false;
    if (this.#heard.size >= MOST_HEARD) return false;
    this.#heard.set(nodeId, peerEndpoint);
    return true;
  }

  /** By id, without this node. */
  all(machine: Machine): ReadonlyMap<NodeId, string> {
    for (const id of this.#heard.keys()) {
      if (machine.member(id) !== undefined || machine.wasRemoved(id)) this.#heard.delete(id);
    }
    const peers = new Map<NodeId, string>(this.#heard);
    for (const { id, peerEndpoint } of machine.members()) peers.set(id, peerEndpoint);
    for (const [id, endpoint] of this.#told) if (!machine.wasRemoved(id)) peers.set(id, endpoint);
    peers.delete(this.#self);
    return peers;
  }
}
