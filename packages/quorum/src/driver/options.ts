// SPDX-License-Identifier: Apache-2.0
import type { ConsensusDriver, DenseSequences } from "@tsoracle/consensus";
import type { PeerEndpoint } from "@tsoracle/core";
import { majority, QuorumPolicy } from "../policy.ts";
import { QuorumError } from "../quorum-error.ts";
import { systemTimers, type Timers } from "../timers.ts";
import { Member } from "./member.ts";

/** One of the N drivers. */
export interface QuorumMember {
  /** Names it in messages; different for each. */
  readonly id: string;
  /** An open driver over a store of its own, with dense sequences. From here on the quorum driver owns it. */
  readonly driver: ConsensusDriver;
}

export interface QuorumDriverOptions {
  /** All members, the same ones on every node. Two that lead to one store would vote twice with one memory. */
  readonly drivers: readonly QuorumMember[];
  /** W of N, W at least a majority, and how long a round waits. @defaultValue `QuorumPolicy.majority(N)`, 2000 ms */
  readonly policy?: QuorumPolicy | undefined;
  /**
   * Where clients reach this node: what its members' drivers were opened with. When members elect different nodes, as
   * many each, the smallest endpoint keeps its members. @defaultValue none: such a tie is left to the members
   */
  readonly endpoint?: PeerEndpoint | undefined;
  /** How often a node that does not lead looks for the epoch of the leader, in milliseconds. @defaultValue 250 */
  readonly pollMs?: number | undefined;
  /**
   * How long a node that leads too few members waits before it hands them over, in milliseconds; longer after each
   * time. @defaultValue 1000
   */
  readonly yieldAfterMs?: number | undefined;
  /** Delays and a monotonic clock. @defaultValue the real ones */
  readonly timers?: Timers | undefined;
}

/** Options as they are used. */
export interface QuorumSetup {
  readonly members: readonly Member[];
  readonly policy: QuorumPolicy;
  readonly endpoint: PeerEndpoint | undefined;
  readonly pollMs: number;
  readonly yieldAfterMs: number;
  readonly timers: Timers;
}

/** @throws QuorumError `invalid_policy`, `duplicate_peer` or `invalid_peer`; nothing was written. */
export function checkOptions(options: QuorumDriverOptions): QuorumSetup {
  const { drivers, endpoint } = options;
  const policy = options.policy ?? QuorumPolicy.majority(drivers.length);
  if (policy.n !== drivers.length) {
    throw QuorumError.invalidPolicy(`the policy is for ${policy.n} members, but there are ${drivers.length}`);
  }
  if (policy.w < majority(policy.n)) {
    const least = majority(policy.n);
    throw QuorumError.invalidPolicy(
      `w must be at least ${least} of ${policy.n}, got ${policy.w}: two groups of fewer need not meet, and both could lead`,
    );
  }
  return {
    members: checkMembers(drivers),
    policy,
    endpoint,
    pollMs: checkPause("pollMs", options.pollMs ?? 250),
    yieldAfterMs: checkPause("yieldAfterMs", options.yieldAfterMs ?? 1_000),
    timers: options.timers ?? systemTimers,
  };
}

function checkMembers(drivers: readonly QuorumMember[]): readonly Member[] {
  const ids = new Set<string>();
  const seen = new Set<ConsensusDriver>();
  return drivers.map(({ id, driver }) => {
    if (id === "") throw QuorumError.invalidPeer("a member needs an id that is not empty");
    if (ids.has(id) || seen.has(driver)) {
      throw QuorumError.duplicatePeer(
        `member ${JSON.stringify(id)} or its driver stands in the list twice and would vote twice`,
      );
    }
    ids.add(id);
    seen.add(driver);
    return new Member(id, driver, sequencesOf(id, driver));
  });
}

function sequencesOf(id: string, { name, sequences }: ConsensusDriver): DenseSequences {
  if (sequences !== undefined) return sequences;
  throw QuorumError.invalidPeer(
    `member ${JSON.stringify(id)} is a ${name} driver without dense sequences, in which the epochs of the whole are ` +
      "kept; use drivers that have them, such as file or postgres",
  );
}

function checkPause(name: string, ms: number): number {
  if (Number.isFinite(ms) && ms >= 1) return ms;
  throw QuorumError.invalidPolicy(`${name} must be at least 1 millisecond, got ${String(ms)}`);
}
