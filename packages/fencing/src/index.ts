// SPDX-License-Identifier: Apache-2.0
// For everybody who guards what one owner at a time may write.

export { DurableEpochFencer, type FenceClass, type GuardedOutcome } from "./durable-fencer.ts";
export { electLeader } from "./elect-leader.ts";
export { EpochFencer, type EpochFencerOptions } from "./epoch-fencer.ts";
export type { FenceRecord, FenceRefusal, FenceVerdict } from "./fence-rule.ts";
export {
  FenceStoreError,
  type FenceStoreErrorCode,
  FenceValueError,
  type FenceValueErrorCode,
} from "./fencing-errors.ts";
export { OwnedEpochFencer } from "./owned-fencer.ts";
export {
  judgeTakeover,
  type OwnershipFence,
  type OwnershipRefusal,
  ownershipFence,
  type TakeoverCheck,
  type TakeoverRequest,
  type TakeoverVerdict,
} from "./ownership-fence.ts";

// For those who build stores, sinks and elections.

export {
  BALLOT_64,
  BALLOT_128,
  type Ballot,
  type BallotLayout,
  ballotToEpoch,
  candidateEpoch,
  type EpochKnowledge,
  epochToBallot,
} from "./ballot.ts";
export { type EpochBits, epochFromDecimal, epochFromText, epochToText } from "./epoch-domain.ts";
export { judgeClaim } from "./fence-rule.ts";
export { type FenceStore, MemoryFenceStore } from "./fence-store.ts";
export { DEFAULT_MAX_SILENCE, HeartbeatHistory } from "./heartbeat-history.ts";
export { type EpochHeader, type FenceHttpAnswer, fenceHttpAnswer, readEpochHeader } from "./http-fence.ts";
export { LuaFence, type LuaFenceOptions, type LuaFenceReply } from "./lua-fence.ts";
export { compareIds } from "./node-id.ts";
export { Reign, type ReignOptions, type ReignState, type WriteAdmission } from "./reign.ts";
export { type RequiredAcksOptions, requiredAcks } from "./required-acks.ts";
export { SqlFence, type SqlFenceOptions, type SqlFragment } from "./sql-fence.ts";
