// SPDX-License-Identifier: Apache-2.0
// What one node is made of, without threads, clocks and sockets. For simulations; not for applications, and not under semver.

export { FirstMeetings } from "./node/first-meetings.ts";
export { decodeGenesis, encodeGenesis, genesisDigest, genesisSnapshot } from "./node/genesis.ts";
export type { Machine } from "./node/machine/machine.ts";
export type { MemberRecord } from "./node/machine/member.ts";
export type { MembershipRequest } from "./node/membership-request.ts";
export { PeerAddresses } from "./node/peer-addresses.ts";
export { usableLeaseMs } from "./node/raft-tenure.ts";
export { Replica } from "./node/replica.ts";
export type { Answer, Leadership, ReplicaHost } from "./node/replica-host.ts";
export { DEFAULT_REPLICA_SETTINGS, type ReplicaSettings } from "./node/replica-settings.ts";
export { TenureCell } from "./node/tenure-cell.ts";
export { Ticker, type TickerClock } from "./node/ticker.ts";
export { formatStorage } from "./storage/format.ts";
export { openStorage } from "./storage/open-storage.ts";
export {
  type DiskCounters,
  type DiskFault,
  type DiskOperation,
  SimulatedDirectory,
} from "./storage/simulated-directory.ts";
export { type Hello, isFatalRefusal, PROTOCOL_MAX, PROTOCOL_MIN, type Refusal } from "./transport/hello.ts";
export { decodeMessage, encodeMessage } from "./transport/message-codec.ts";
export { PeerRegistry } from "./transport/peer-registry.ts";
