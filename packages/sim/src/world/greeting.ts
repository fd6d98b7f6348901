// SPDX-License-Identifier: Apache-2.0
import type { Hello } from "@tsoracle/driver-raft/simulation";
import type { RaftStorage } from "@tsoracle/driver-raft/storage";
import type { Subject } from "../subject.ts";

export const CLUSTER = "simulated";
const TIMING = "simulated/1";

/** What every Hello of one start says. */
export function greetingOf(subject: Subject, { identity, bootCount, incarnation }: RaftStorage): Hello {
  return {
    protocolMin: subject.PROTOCOL_MIN,
    protocolMax: subject.PROTOCOL_MAX,
    clusterId: CLUSTER,
    genesis: subject.genesisDigest(identity.genesis),
    nodeId: identity.nodeId,
    storageId: identity.storageId,
    bootCount,
    incarnation,
    timing: TIMING,
    to: 0,
    peerEndpoint: "",
    echo: "",
    recorded: [],
    complete: false,
    yourDisk: "",
  };
}
