// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import { newConfChangeV2 } from "../raft/conf-change.ts";
import { RawNode } from "../raft/raw-node.ts";
import type { Ready } from "../raft/ready.ts";
import {
  type Entry,
  isEmptyHardState,
  isEmptySnap,
  type Message,
  type NodeId,
  None,
  newMessage,
  type Snapshot,
} from "../raft/types.ts";
import type { RaftStorage } from "../storage/storage.ts";
import { Advances } from "./advances.ts";
import { AppliedState, type MemberView } from "./applied-state.ts";
import { HeardMembers } from "./heard-members.ts";
import { LeaseRounds } from "./lease-rounds.ts";
import type { Command } from "./machine/command.ts";
import { encodeCommand, encodeMember } from "./machine/command-codec.ts";
import { epochOfTerm, type Machine } from "./machine/machine.ts";
import type { MemberRecord } from "./machine/member.ts";
import { proposable } from "./machine/proposable.ts";
import { changeInTheWay, checkChange, checkTransfer, type MembershipRequest } from "./membership-request.ts";
import { Proposals } from "./proposals.ts";
import { ReadRounds } from "./read-rounds.ts";
import type { Leadership, Refusal, ReplicaHost } from "./replica-host.ts";
import { type ReplicaSettings, raftConfigOf } from "./replica-settings.ts";
import { isNoopOf, isTermDurable } from "./term-checks.ts";

/** Storage ids that this node recorded of the first members when it met them. */
export type FirstMeetings = (id: NodeId) => string | undefined;

/**
 * One node: core, storage and replicated state, put together. Synchronous and without a clock, a thread
 * or a network of its own (N5), so that a worker thread and the simulation run the same code. After every
 * input it persists, then sends, then applies (raft.md 6.2).
 *
 * Whatever it throws is the end of the node (P9): a write that failed, a state that cannot be.
 */
export class Replica {
  readonly id: NodeId;
  readonly #node: RawNode;
  readonly #storage: RaftStorage;
  readonly #host: ReplicaHost;
  readonly #settings: ReplicaSettings;
  readonly #meetings: FirstMeetings;
  readonly #proposals: Proposals;
  readonly #advances: Advances;
  readonly #reads: ReadRounds;
  readonly #leases = new LeaseRounds();
  readonly #heard: HeardMembers;
  /** Indexes at which this leader has proposed changes of the members. */
  readonly #changes = new Set<number>();
  readonly #state: AppliedState;
  #term = 0;
  #lead: NodeId = None;
  #isLeader = false;
  /** The term whose no-op is applied, while this node leads it. */
  #readyTerm: number | undefined;
  /** The term in which `leader` was told; it is told once for each. */
  #reign: number | undefined;
  /** The term in which leadership was being handed over. */
  #handedOver: number | undefined;
  #ticks = 0;
  #draining = false;

  constructor(storage: RaftStorage, settings: ReplicaSettings, meetings: FirstMeetings, host: ReplicaHost) {
    this.id = storage.identity.nodeId;
    this.#storage = storage;
    this.#host = host;
    this.#settings = settings;
    this.#meetings = meetings;
    this.#heard = new HeardMembers(settings.electionTicks);
    this.#state = new AppliedState(storage.snapshot(), settings.seqKeyCap, storage.identity);
    this.#proposals = new Proposals((id, answer) => host.answered(id, answer));
    this.#advances = new Advances((epoch, atLeast, ids) => this.#appendAdvance(epoch, atLeast, ids), host);
    const begin = (context: Uint8Array): void => this.#node.readIndex(context);
    this.#reads = new ReadRounds({ begin, readable: (id) => host.readable(id) }, storage.bootCount);
    this.#node = new RawNode(raftConfigOf(this.id, storage, this.#state.index, settings));
    this.#noteRole();
    this.#drain();
  }

  get machine(): Machine {
    return this.#state.machine;
  }

  /** Index of the last applied entry. */
  get applied(): number {
    return this.#state.index;
  }

  /** The term in which this node leads and has applied its no-op, if it does. */
  get reign(): number | undefined {
    return this.#reign;
  }

  /** Members in order of id, with their roles in the active configuration. */
  members(): readonly MemberView[] {
    return this.#state.members();
  }

  status(): ReturnType<RawNode["status"]> {
    return this.#node.status();
  }

  /** One unit of time has passed. Never call it more often than time passes; less often is safe (Q4, N2). */
  tick(): void {
    this.#ticks += 1;
    this.#heard.tick();
    // One more than T, because the first tick may have come right after the start.
    if (this.#ticks === this.#settings.electionTicks + 1) this.#node.liftVoteEmbargo();
    this.#node.tick();
    this.#reads.tick();
    this.#drain();
    if (this.#isLeader && this.#handedOver === this.#term && this.#node.basicStatus().leadTransferee === None) {
      this.#host.log(`nobody took leadership over within the election timeout; leaving term ${this.#term}`);
      this.abdicate();
    }
  }

  /** A message of a peer whose identity was checked. */
  receive(message: Message): void {
    if (this.#state.machine.member(message.from) !== undefined) this.#heard.note(message.from);
    this.#node.step(message);
    this.#drain();
  }

  unreachable(peer: NodeId): void {
    this.#node.reportUnreachable(peer);
    this.#drain();
  }

  snapshotSent(peer: NodeId, ok: boolean): void {
    this.#node.reportSnapshot(peer, ok ? "SnapshotFinish" : "SnapshotFailure");
    this.#drain();
  }

  /** Raises the high-water; requests that come while one is under way are merged into the next (S5). */
  advance(id: number, atLeast: PhysicalMs, epoch: Epoch): void {
    const refusal = this.#refusal(epoch);
    if (refusal !== undefined) this.#host.answered(id, { ok: false, refusal });
    else this.#advances.ask(id, epoch, atLeast);
    this.#drain();
  }

  /** Any other command. It is appended at most once. */
  propose(id: number, command: Exclude<Command, { kind: "advance" }>): void {
    const appended = this.#refusal(command.epoch) ?? this.#append(command, [id]);
    if (typeof appended !== "number") this.#host.answered(id, { ok: false, refusal: appended });
    this.#drain();
  }

  /** Says `readable` once everything is applied that was decided anywhere before this call. */
  read(id: number): void {
    this.#reads.ask(id);
    this.#drain();
  }

  /** Nobody waits for the read any more. */
  forgetRead(id: number): void {
    this.#reads.forget(id);
  }

  /** Adds, promotes or removes one member; answered when the change is applied here (M3). */
  change(id: number, request: MembershipRequest): void {
    const refusal =
      this.#refusal(epochOfTerm(this.#term)) ??
      checkChange(request, this.#state, this.#node.status(), this.#heard) ??
      this.#appendChange(id, request);
    if (refusal === "done") this.#host.answered(id, { ok: true, outcome: { kind: "noop" } });
    else if (refusal !== undefined) this.#host.answered(id, { ok: false, refusal });
    this.#drain();
  }

  /** Why leadership cannot be handed to that member now, if it cannot. */
  checkTransfer(to: NodeId): Refusal | "later" | undefined {
    return checkTransfer(to, this, this.#state.confState.voters, this.#heard);
  }

  /**
   * Hands leadership to `target`, or to the voter that has most of the log. The reign is over before
   * anything is sent (E12, Q5), and it does not come back: a `TimeoutNow` that is late could begin another
   * one at any time, so if nobody takes over within T this node leaves the term. So nothing is begun with a voter that was
   * not heard from lately. Returns whether there was anything to hand over and anybody to take it.
   */
  transfer(target?: NodeId): boolean {
    const { voters } = this.#state.confState;
    const to = target ?? this.#heard.successor(this.id, voters, this.#node.status().progress);
    if (to === undefined || this.checkTransfer(to) !== undefined) return false;
    this.#handedOver = this.#term;
    this.#endReign({ role: "unknown", term: this.#term });
    this.#node.transferLeader(to);
    this.#drain();
    return true;
  }

  /**
   * Leads no more in this term: takes note of a higher one, as if somebody had told of it. For a leader that
   * must not go on and has nobody to hand over to.
   */
  abdicate(): void {
    if (!this.#isLeader) return;
    this.#endReign({ role: "unknown", term: this.#term });
    this.#node.step(newMessage("MsgVoteResp", { from: this.id, to: this.id, term: this.#term + 1, reject: true }));
    this.#drain();
  }

  /** Ends the reign: hands it over, or leaves the term where nobody is there to take it. Returns whether somebody was asked to. */
  resign(): boolean {
    if (this.transfer()) return true;
    if (this.#handedOver !== this.#term) this.abdicate();
    return false;
  }

  #refusal(epoch: Epoch): Refusal | undefined {
    if (this.#reign !== undefined && epochOfTerm(this.#reign) === epoch) {
      if (!this.#proposals.full) return undefined;
      return { code: "transient", message: "too many proposals are under way; nothing was proposed" };
    }
    return {
      code: "not_leader",
      message: `node ${this.id} does not lead in epoch ${epoch}; its term is ${this.#term}`,
    };
  }

  /** The index of the entry, which is at the end of the log now. */
  #append(command: Command, ids: readonly number[]): number | Refusal {
    const entry = proposable(command);
    if (!entry.ok) return { code: "refused", message: `${entry.problem}; nothing was proposed` };
    const index = this.#node.lastIndex() + 1;
    const error = this.#node.propose(entry.data);
    if (error !== undefined) {
      return {
        code: "transient",
        message: `the leader takes no proposals now (${error.message}); nothing was proposed`,
      };
    }
    this.#proposals.appended(index, this.#term, ids);
    return index;
  }

  #appendAdvance(epoch: Epoch, atLeast: PhysicalMs, ids: readonly number[]): number | Refusal {
    return this.#refusal(epoch) ?? this.#append({ kind: "advance", epoch, atLeast }, ids);
  }

  #appendChange(id: number, request: MembershipRequest): Refusal | undefined {
    const change = newConfChangeV2({
      changes: [{ type: request.type, nodeId: request.id }],
      ...(request.member === undefined ? {} : { context: encodeMember(request.member) }),
    });
    const before = this.#node.lastIndex();
    const error = this.#node.proposeConfChange(change);
    if (error !== undefined) {
      return { code: "transient", message: `the leader takes no changes now (${error.message}); nothing was proposed` };
    }
    this.#proposals.appended(before + 1, this.#term, [id]);
    this.#changes.add(before + 1);
    return undefined;
  }

  /** Does what the core asks for until it asks for nothing. Called from within, it leaves that to the one that runs. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#advances.propose();
    this.#reads.begin();
    while (this.#node.hasReady()) {
      this.#handle(this.#node.ready());
      this.#node.advance();
      this.#settle();
      this.#advances.propose();
      this.#reads.begin();
    }
    this.#renew();
    this.#draining = false;
  }

  #handle(ready: Ready): void {
    if (ready.softState !== undefined || !isEmptyHardState(ready.hardState)) this.#noteRole();
    this.#leases.sending(this.#node.heartbeatRound(), () => this.#host.mark());
    // A leader's term is durable, so its entries may travel while its own disk writes them (P7).
    const early = this.#isLeader && isTermDurable(ready, this.#storage);
    if (early) for (const message of ready.messages) if (message.type === "MsgApp") this.#host.send(message);
    this.#persist(ready);
    for (const message of ready.messages) if (!early || message.type !== "MsgApp") this.#host.send(message);
    if (!isEmptySnap(ready.snapshot)) this.#restore(ready.snapshot);
    for (const entry of ready.committedEntries) this.#apply(entry);
    for (const { requestCtx, index } of ready.readStates) this.#reads.confirmed(requestCtx, index);
    this.#reads.applied(this.#state.index);
  }

  #persist({ hardState, entries, snapshot }: Ready): void {
    this.#storage.append({
      hardState: isEmptyHardState(hardState) ? undefined : hardState,
      entries,
      snapshot: isEmptySnap(snapshot) ? undefined : snapshot,
    });
  }

  /** Takes note of role, leader and term. The end of a reign is told here, before any message leaves. */
  #noteRole(): void {
    const { hardState, softState } = this.#node.basicStatus();
    const changed = hardState.term !== this.#term || softState.lead !== this.#lead;
    this.#term = hardState.term;
    this.#lead = softState.lead;
    this.#isLeader = softState.raftState === "StateLeader";
    if (this.#readyTerm !== undefined && (!this.#isLeader || this.#readyTerm !== this.#term)) {
      this.#readyTerm = undefined;
    }
    if (changed) this.#endReign(this.#bystander());
  }

  /** What a node that does not reign says of the term. */
  #bystander(): Leadership {
    const [term, leader] = [this.#term, this.#lead];
    return leader === None || leader === this.id ? { role: "unknown", term } : { role: "follower", term, leader };
  }

  #endReign(next: Leadership): void {
    this.#reign = undefined;
    this.#readyTerm = undefined;
    this.#leases.reset();
    this.#host.leadership(next);
    this.#advances.reignOver();
    this.#proposals.reignOver();
    this.#changes.clear();
  }

  #restore(snapshot: Snapshot): void {
    this.#state.restore(snapshot);
    this.#proposals.skipped(this.#state.index);
    this.#advances.applied(this.#state.index);
    this.#membersChanged();
  }

  #membersChanged(): void {
    this.#heard.keep(this.#state.machine.members());
    this.#host.membersChanged();
  }

  #apply(entry: Entry): void {
    const { outcome, membersChanged } = this.#state.apply(entry, (change) => this.#node.applyConfChange(change));
    if (this.#isLeader && this.#handedOver !== this.#term && isNoopOf(entry, this.#term))
      this.#readyTerm ??= entry.term;
    if (membersChanged) this.#membersChanged();
    // The core puts an empty entry in the place of a change that may not enter the log now (M2).
    const isDropped = this.#changes.delete(entry.index) && entry.type === "EntryNormal";
    this.#proposals.applied(entry.index, entry.term, isDropped ? changeInTheWay : outcome);
    this.#advances.applied(entry.index);
  }

  /** What follows from what was applied: a reign begins, a snapshot is due. */
  #settle(): void {
    if (this.#readyTerm !== undefined && this.#reign === undefined) this.#beginReign(this.#readyTerm);
    this.#state.maybeSnapshot(this.#storage, this.#settings);
  }

  /** Told only when the first members' storages are pinned, so that nothing is served before a lost disk would be noticed. */
  #beginReign(term: number): void {
    const unpinned = [...this.#state.machine.members()].filter(({ storageId }) => storageId === undefined);
    if (unpinned.length > 0) {
      this.#pin(term, unpinned);
      return;
    }
    this.#reign = term;
    this.#heard.begin();
    this.#host.leadership({ role: "leader", term });
    // Begins a round of heartbeats now, so that a lease need not wait for the next tick.
    this.#node.readIndex(noContext);
  }

  #pin(term: number, members: readonly MemberRecord[]): void {
    this.#readyTerm = undefined;
    for (const { id } of members) {
      const storageId = id === this.id ? this.#storage.identity.storageId : this.#meetings(id);
      if (storageId === undefined)
        throw new Error(`node ${this.id} leads, but has no record of having met member ${id}`);
      this.#node.propose(encodeCommand({ kind: "pin", epoch: epochOfTerm(term), member: id, storageId }));
    }
    // The entry of an election again: when it is applied, so are the pins before it.
    this.#node.propose(new Uint8Array());
  }

  /** Tells how fresh the reign is, by the newest round that a quorum has answered. */
  #renew(): void {
    if (this.#reign === undefined) return;
    const round = this.#node.quorumRound();
    const mark = round === Number.POSITIVE_INFINITY ? this.#host.mark() : this.#leases.acknowledged(round);
    if (mark !== undefined) this.#host.renewed(this.#reign, mark);
  }
}

/** No round of reads has it. */
const noContext = new Uint8Array();
