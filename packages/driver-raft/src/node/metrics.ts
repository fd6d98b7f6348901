// SPDX-License-Identifier: Apache-2.0
import type { DriverMetric } from "@tsoracle/consensus";
import type { ThreadStatus } from "./thread-protocol.ts";

const gauge = (name: string, help: string, value: number): DriverMetric => ({
  name: `tsoracle.raft.${name}`,
  help,
  kind: "gauge",
  value,
});
const counter = (name: string, help: string, value: number): DriverMetric => ({
  ...gauge(name, help, value),
  kind: "counter",
});

/** What a node says of itself, as numbers. */
export function raftMetrics(status: ThreadStatus): readonly DriverMetric[] {
  const { role } = status;
  return [
    gauge("term", "the term of this node, which is the epoch of its leader", status.term),
    gauge("leader", "1 while this node leads, else 0", Number(role === "leader")),
    gauge("voter", "1 while this node has a vote, else 0", Number(role !== "learner" && role !== "forming")),
    gauge("leader.known", "1 while this node knows of a leader, else 0", Number(status.leader !== 0)),
    gauge("commit.index", "index of the last entry that this node knows to be committed", status.commit),
    gauge("applied.index", "index of the last entry that this node has applied", status.applied),
    gauge("log.bytes", "size of the log on disk", status.logBytes),
    gauge("peers.connected", "peers that this node is connected to", status.connectedPeers.length),
    gauge("peers.missing", "first members that a new cluster still waits for", status.missing.length),
    counter("reigns.total", "how often this process became leader", status.reigns),
    counter("stalls.total", "how often the consensus thread was found stalled", status.stalls),
  ];
}
