// SPDX-License-Identifier: Apache-2.0
// For those who run a cluster.

export { RAFT_CAPABILITIES, raftCapabilitiesOf } from "./capabilities.ts";
export type { RaftDriver } from "./node/driver.ts";
export {
  type FirstMember,
  type FormatRaftOptions,
  formatRaftDirectory,
  type RaftIdentity,
  readRaftIdentity,
} from "./node/format.ts";
export type { DriverLog } from "./node/log.ts";
export type { NewRaftMember } from "./node/membership.ts";
export { openRaftDriver } from "./node/open.ts";
export type { RaftDriverOptions } from "./node/options.ts";
export type { Freshness, ThreadStatus } from "./node/thread-protocol.ts";
export { type PeerTlsOptions, peerUri } from "./transport/peer-tls.ts";
