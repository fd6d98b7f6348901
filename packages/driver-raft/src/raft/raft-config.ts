// SPDX-License-Identifier: Apache-2.0
import type { Storage } from "./log/storage.ts";
import type { RaftLogger } from "./logger.ts";
import type { TraceSink } from "./trace.ts";
import { type NodeId, noLimit } from "./types.ts";

/**
 * How reads are confirmed: by a heartbeat quorum that begins after the request ("safe", `raft.md` Q1), or by trusting
 * that the leader of a checked quorum is still the leader, which is measured in ticks here and therefore unsafe under
 * stalls (Q6). The lease of the driver does not use the second form; see `heartbeatRounds`.
 */
export type ReadOnlyOption = "ReadOnlySafe" | "ReadOnlyLeaseBased";

/** What a node is made of. Sizes are bytes as encoded; what is left out is unlimited, or off. */
export interface RaftConfig {
  /** 1 or above, a safe integer, never used by another node of this cluster before (M6). */
  id: NodeId;
  /** T in ticks: a follower that hears no leader for a random time in [T, 2T) stands for election. */
  electionTick: number;
  /** Ticks between heartbeats; less than `electionTick`. */
  heartbeatTick: number;
  storage: Storage;
  /** A whole number from 0 up to, not including, its argument; the only source of chance in the core (E1). */
  randomInt: (exclusiveBound: number) => number;
  /** The index up to which the state machine has applied already; for restarts. */
  applied?: number | undefined;
  /** Whether storage is written through messages instead of `advance`. */
  asyncStorageWrites?: boolean | undefined;
  /** Limit of one `MsgApp`; 0 means one entry each. */
  maxSizePerMsg?: number | undefined;
  /** Limit of entries handed out for applying and not yet acknowledged; default and 0: as `maxSizePerMsg`. */
  maxCommittedSizePerReady?: number | undefined;
  /** Limit of a leader's uncommitted payload, above which proposals are dropped; 0 is unlimited. */
  maxUncommittedEntriesSize?: number | undefined;
  /** `MsgApp`s that may be under way to a follower; above 0. */
  maxInflightMsgs: number;
  /** Bytes that may be under way to a follower; 0 is unlimited, otherwise at least `maxSizePerMsg`. */
  maxInflightBytes?: number | undefined;
  /** Leader steps down without a quorum, followers ignore candidates while they hear the leader (E3). */
  checkQuorum?: boolean | undefined;
  /** Ask for votes without a new term first (E2). */
  preVote?: boolean | undefined;
  readOnlyOption?: ReadOnlyOption | undefined;
  logger?: RaftLogger | undefined;
  /** Followers drop proposals instead of sending them on. */
  disableProposalForwarding?: boolean | undefined;
  /** Accept configuration changes that do not fit the active configuration. Unsafe without a check above (M2). */
  disableConfChangeValidation?: boolean | undefined;
  /** A leader that is removed or demoted becomes a follower at once (M4). */
  stepDownOnRemoval?: boolean | undefined;
  trace?: TraceSink | undefined;
  /** Addition: begin with the vote embargo of Q4; `liftVoteEmbargo` ends it. */
  voteEmbargo?: boolean | undefined;
  /**
   * Addition: number every round of heartbeats, so that `quorumRound` can say how fresh a lease is (Q2), and keep to what
   * an answer to one promises: no vote for another node for T, and no standing either.
   */
  heartbeatRounds?: boolean | undefined;
  /** Addition: draw the election timeout anew also when pre-voting begins, so at every state change (E1). */
  redrawOnPreVote?: boolean | undefined;
  /**
   * Addition: a node that grants a pre-vote does not stand itself for the next T/2, and of two that ask each other at
   * once only one goes on. Without it they vote for themselves, and nobody leads for another timeout.
   */
  yieldToPreVote?: boolean | undefined;
  /**
   * Addition: refuse a configuration change before an entry of the leader's term is committed (M2 to the letter), and
   * one that would fail when applied, as one that leaves no voter (M5). Hosts should set it.
   */
  checkConfChanges?: boolean | undefined;
}

/** The configuration with every choice made. */
export interface CheckedConfig {
  readonly maxSizePerMsg: number;
  readonly maxCommittedSizePerReady: number;
  readonly maxUncommittedEntriesSize: number;
  readonly maxInflightBytes: number;
}

/**
 * Checks a configuration and fills in the limits.
 *
 * @throws TypeError naming the field, what was expected and what came.
 */
export function checkRaftConfig(config: RaftConfig): CheckedConfig {
  const wrong = (expected: string, got: unknown): never => {
    throw new TypeError(`raft configuration: ${expected}, got ${String(got)}`);
  };
  if (!Number.isSafeInteger(config.id) || config.id < 1) wrong("id must be a safe integer of 1 or above", config.id);
  if (!Number.isSafeInteger(config.heartbeatTick) || config.heartbeatTick < 1) {
    wrong("heartbeatTick must be a whole number of 1 or above", config.heartbeatTick);
  }
  if (!Number.isSafeInteger(config.electionTick) || config.electionTick <= config.heartbeatTick) {
    wrong("electionTick must be a whole number above heartbeatTick", config.electionTick);
  }
  if (!(config.maxInflightMsgs > 0)) wrong("maxInflightMsgs must be above 0", config.maxInflightMsgs);
  const maxSizePerMsg = config.maxSizePerMsg ?? noLimit;
  const maxInflightBytes = config.maxInflightBytes || noLimit;
  if (maxInflightBytes < maxSizePerMsg) wrong("maxInflightBytes must be at least maxSizePerMsg", maxInflightBytes);
  if (config.readOnlyOption === "ReadOnlyLeaseBased" && config.checkQuorum !== true) {
    wrong("ReadOnlyLeaseBased needs checkQuorum", config.checkQuorum);
  }
  if (config.heartbeatRounds === true && config.checkQuorum !== true) {
    wrong("heartbeatRounds, which leases are made of, needs checkQuorum", config.checkQuorum);
  }
  return {
    maxSizePerMsg,
    // At least one byte, which lets entries through one at a time; with none nothing would ever be applied.
    maxCommittedSizePerReady: Math.max(1, config.maxCommittedSizePerReady || maxSizePerMsg),
    maxUncommittedEntriesSize: config.maxUncommittedEntriesSize || noLimit,
    maxInflightBytes,
  };
}
