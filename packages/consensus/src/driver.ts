// SPDX-License-Identifier: Apache-2.0
import type { Epoch, LeaseRecord, PeerEndpoint, PhysicalMs, SeqEntry, SeqKey } from "@tsoracle/core";
import type { DriverCapabilities } from "./capabilities.ts";
import type { DriverMetric } from "./driver-metric.ts";
import type { CallOptions, LeaderState } from "./leader-state.ts";

/**
 * Keeps one durable number safe and elects one leader. Each labelled clause is a test of the
 * conformance kit under the same id.
 *
 * Every method rejects with `ConsensusError`, or with the reason of an aborted signal, and with
 * nothing else.
 *
 * Contract — lifecycle.capabilities: `capabilities` is frozen, stable and what the package exports; a leader item has a tenure exactly if `realTimeOrder` is `lease` or `confirm`.
 * Contract — lifecycle.dispose-idempotent: disposing twice is disposing once.
 * Contract — lifecycle.closed: a call after disposal rejects with `closed`.
 * Contract — lifecycle.dispose-settles: disposal waits for calls under way to settle and ends streams.
 * Contract — lifecycle.exclusive: where `realTimeOrder` is `exclusive`, nobody else can open a history that is open.
 */
export interface ConsensusDriver extends AsyncDisposable {
  /** For people: "file", "postgres", ... */
  readonly name: string;
  readonly capabilities: DriverCapabilities;

  /**
   * The current leadership state, then every change, until the signal aborts or the driver is
   * disposed. Its end for any other reason is a fault.
   *
   * Contract — leadership.first-item: the first item is the current state, without a transition.
   * Contract — leadership.epoch-order: epochs never decrease within one stream.
   * Contract — leadership.one-per-epoch: no two nodes are ever leader in the same epoch.
   * Contract — leadership.endpoint: a follower's endpoint is `host:port` without a scheme.
   * Contract — leadership.abort: aborting the signal ends the stream without an error.
   * Contract — leadership.subscribers: each of several subscribers sees every change.
   * Contract — leadership.separated: between two leader items of different epochs there is another item.
   * Contract — leadership.tenure: a tenure ends with its reign; two never hold at once.
   * Contract — leadership.wait-out: a leader that is cut off has lost its tenure before another has one.
   * Contract — confirm.deposed: once a successor leads, no confirmation that is asked for is true.
   * Contract — confirm.cut-off: a leader that is cut off has no confirmation, and is told so in time.
   */
  leadershipEvents(options: { readonly signal: AbortSignal }): AsyncIterable<LeaderState>;

  /**
   * The durable high-water; zero in a fresh history.
   *
   * Contract — load.fresh: a fresh history loads zero.
   * Contract — load.linearized: it sees every advance that resolved before the call, from any node and epoch.
   */
  loadHighWater(options?: CallOptions): Promise<PhysicalMs>;

  /**
   * Raises the durable high-water to at least `atLeast`, if `epoch` is still the newest, in one
   * atomic step of the store; resolves to what is durable.
   *
   * Contract — advance.max: resolves to `max(stored, atLeast)`.
   * Contract — advance.stale: a stale or reordered call never lowers it.
   * Contract — advance.concurrent: concurrent calls resolve in an order that some sequence of maxima explains.
   * Contract — advance.range: 2^46-1 is accepted; 2^46, negative and fractional values reject with `out_of_range`, and nothing is written.
   * Contract — durable.crash: what resolved survives a crash.
   * Contract — durable.unresolved: what did not resolve may or may not be there, and nothing regresses.
   * Contract — durable.wiped: a minority of the stores that lose their data take no advance with them.
   * Contract — durable.wiped-in-turn: a store that lost its data has no vote, so that nothing goes back.
   * Contract — fencing.superseded: a superseded epoch never raises it and is refused as `fenced` or `not_leader`.
   * Contract — fencing.late: a write that was held back across an election is never acknowledged and raises nothing.
   * Contract — uncertain.lost-reply: a write whose reply was lost is `uncertain` or `transient`, and a retry is safe.
   * Contract — cancel.before: a signal that is aborted already has no effect on the store.
   * Contract — cancel.in-flight: aborting in flight corrupts nothing; a late write only raises.
   * Contract — latency.bounded: while the store stalls, calls reject as `transient` or `uncertain` instead of hanging.
   * Contract — latency.partition: a node that is cut off rejects its calls instead of hanging, and heals without reopening.
   */
  persistHighWater(atLeast: PhysicalMs, epoch: Epoch, options?: CallOptions): Promise<PhysicalMs>;

  /**
   * Present exactly if `capabilities.sequences`.
   *
   * Contract — sequences.absent: without the capability there is no such property.
   */
  readonly sequences?: DenseSequences | undefined;
  /**
   * Present exactly if `capabilities.leases`.
   *
   * Contract — leases.absent: without the capability there is no such property.
   */
  readonly leases?: LeaseStore | undefined;
  /**
   * Present exactly if `capabilities.membership`.
   *
   * Contract — membership.members: with the capability, the members can be listed, ids are unique, and the leader is one of them.
   * Contract — membership.absent: without the capability there is no such property.
   */
  readonly membership?: MembershipAdmin | undefined;

  /**
   * Hands leadership over in good order, if there is somebody to hand it to. Resolves when it is no longer leader.
   *
   * Contract — leadership.resign: when it has resolved, the reign is over: its epoch raises nothing any more.
   */
  resign?(reason: string): Promise<void>;

  /** What the driver counts of itself, now; a server shows it beside its own metrics. Cheap, and it changes nothing. */
  metrics?(options?: CallOptions): Promise<readonly DriverMetric[]>;
}

/** Counters without gaps. */
export interface DenseSequences {
  /**
   * The next value of `key`; zero if it was never advanced.
   *
   * Contract — sequences.load: linearized with every advance that resolved before the call.
   */
  load(key: SeqKey, options?: CallOptions): Promise<bigint>;
  /**
   * Takes blocks from one or more counters, all or none, and resolves to the start of each in
   * request order. It is a fetch-and-add: never retry it after `transient` or `uncertain`.
   *
   * Contract — sequences.dense: blocks of one key adjoin, without gap or overlap.
   * Contract — sequences.batch-atomic: a refused batch changes no counter.
   * Contract — sequences.cap: a new key beyond the cap rejects with `seq_cardinality_exceeded`.
   * Contract — sequences.overflow: passing 2^64-1 rejects with `seq_overflow`.
   * Contract — sequences.lost-reply: an advance whose reply was lost is `uncertain` or `transient`, and is carried out at most once.
   * Contract — sequences.fenced: a superseded epoch is refused.
   * Contract — sequences.durable: what resolved survives a crash.
   */
  advance(entries: readonly SeqEntry[], epoch: Epoch, options?: CallOptions): Promise<readonly bigint[]>;
}

/** The set of client leases, replaced as a whole. */
export interface LeaseStore {
  /** Contract — leases.load: linearized, in order of id. */
  load(options?: CallOptions): Promise<readonly LeaseRecord[]>;
  /**
   * Replaces the whole set in one atomic step, if `epoch` is still the newest.
   *
   * Contract — leases.replace: what was replaced is gone, what was given is there.
   * Contract — leases.fenced: a superseded epoch is refused and replaces nothing.
   * Contract — leases.durable: what resolved survives a crash.
   */
  replace(live: readonly LeaseRecord[], epoch: Epoch, options?: CallOptions): Promise<void>;
}

export interface Member {
  readonly id: bigint;
  readonly role: "voter" | "learner";
  readonly peerEndpoint: PeerEndpoint;
  readonly clientEndpoint: PeerEndpoint;
  /** Where it takes changes of the members, if it does. */
  readonly adminEndpoint?: PeerEndpoint | undefined;
}

export interface NewMember extends Omit<Member, "role"> {
  /** Which disk it has, where the driver knows its members by their disks. */
  readonly storageId?: string | undefined;
}

export interface RemoveOptions extends CallOptions {
  /** Remove the member although the cluster may stand still afterwards. */
  readonly force?: boolean | undefined;
}

/**
 * Changes who takes part. Every change is leader-only, idempotent by id, and one at a time. A change that
 * cannot be made rejects as `permanent` with its `refusal`; nothing was changed then.
 */
export interface MembershipAdmin {
  members(options?: CallOptions): Promise<readonly Member[]>;
  /** Who leads, as far as this node knows. */
  leader(options?: CallOptions): Promise<bigint | undefined>;
  addLearner(member: NewMember, options?: CallOptions): Promise<void>;
  promote(id: bigint, options?: CallOptions): Promise<void>;
  /**
   * A leader does not remove itself: it hands leadership over first. A voter stays if those that would be left and are
   * heard from are no majority, unless that is forced.
   */
  remove(id: bigint, options?: RemoveOptions): Promise<void>;
  /** Resolves when this reign is over and `to` was asked to take over. */
  transfer(to: bigint, options?: CallOptions): Promise<void>;
}
