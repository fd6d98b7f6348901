// SPDX-License-Identifier: Apache-2.0
import { asV2, type ConfChange, type ConfChangeV2 } from "./conf-change.ts";
import { encodeConfChange } from "./confchange/codec.ts";
import { entsSize } from "./log/entry-size.ts";
import { applyConfChange } from "./membership.ts";
import type { Raft } from "./raft.ts";
import type { RaftConfig } from "./raft-config.ts";
import { ErrStepLocalMsg, ErrStepPeerNotFound, type StepError } from "./raft-errors.ts";
import { quorumRound } from "./reads.ts";
import { mustSync, type Ready } from "./ready.ts";
import { startRaft } from "./start.ts";
import { type BasicStatus, basicStatus, type Status, status } from "./status.ts";
import { step } from "./step.ts";
import {
  needsStorageAppend,
  needsStorageAppendResp,
  storageAppend,
  storageAppendResp,
  storageApply,
  storageApplyResp,
} from "./storage-messages.ts";
import { tick } from "./ticking.ts";
import {
  type ConfState,
  type Entry,
  emptyHardState,
  emptySnapshot,
  type HardState,
  hardStateEqual,
  isEmptyHardState,
  LocalAppendThread,
  LocalApplyThread,
  type Message,
  type MessageType,
  type NodeId,
  newEntry,
  newMessage,
  type ReadState,
  type SoftState,
} from "./types.ts";

/** How the sending of a snapshot ended, as far as the host can tell. */
export type SnapshotStatus = "SnapshotFinish" | "SnapshotFailure";

/**
 * One node of a Raft group, without I/O, clock or chance of its own: inputs go in, and what is to be done comes out as a
 * {@link Ready}. Everything is synchronous; nothing here may be called from two threads.
 *
 * The host loops: an input (`step`, `tick`, `propose`, ...), then while `hasReady()`: take `ready()`, do what it says in
 * the order it says, and call `advance()`. With `asyncStorageWrites` it delivers the responses of the storage messages
 * instead of calling `advance`.
 *
 * A thrown `RaftPanic` means a defect or a damaged storage; the node must not be used any more.
 */
export class RawNode {
  readonly #raft: Raft;
  readonly #async: boolean;
  #previousSoft: SoftState;
  #previousHard: HardState;
  #stepsOnAdvance: Message[] = [];
  #awaitsAdvance = false;

  /** Comes up as a follower from the storage. @throws TypeError for a bad configuration, RaftPanic for a bad storage. */
  constructor(config: RaftConfig) {
    this.#raft = startRaft(config);
    this.#async = config.asyncStorageWrites ?? false;
    this.#previousSoft = this.#raft.softState();
    this.#previousHard = this.#raft.hardState();
  }

  get id(): NodeId {
    return this.#raft.id;
  }

  /** One unit of time. */
  tick(): void {
    tick(this.#raft);
  }

  /** Stands for election now, as if the election timeout had passed. */
  campaign(): StepError | undefined {
    return step(this.#raft, newMessage("MsgHup"));
  }

  /** Proposes data. At a leader that takes it, its entry is the last of the log right after the call. */
  propose(data: Uint8Array): StepError | undefined {
    return step(this.#raft, newMessage("MsgProp", { from: this.#raft.id, entries: [newEntry({ data })] }));
  }

  /**
   * Proposes a configuration change. One that may not enter the log now is replaced by an empty entry, so that its
   * proposer learns from the entry what became of it.
   */
  proposeConfChange(change: ConfChange | ConfChangeV2): StepError | undefined {
    const entry = newEntry(encodeConfChange(change));
    return step(this.#raft, newMessage("MsgProp", { entries: [entry] }));
  }

  /** To be called when an entry with a change is applied, before the next one is. Returns the configuration after it. */
  applyConfChange(change: ConfChange | ConfChangeV2): ConfState {
    return applyConfChange(this.#raft, asV2(change));
  }

  /** Takes a message of a peer, or of the node's own storage threads. */
  step(m: Message): StepError | undefined {
    if (m.from !== LocalAppendThread && m.from !== LocalApplyThread) {
      if (isLocalMessage(m.type)) return ErrStepLocalMsg;
      if (isResponse(m.type) && !this.#raft.trk.progress.has(m.from)) return ErrStepPeerNotFound;
    }
    return step(this.#raft, m);
  }

  /** Whether `ready` would hold anything. */
  hasReady(): boolean {
    const r = this.#raft;
    const soft = this.#previousSoft;
    if (r.lead !== soft.lead || r.state !== soft.raftState) return true;
    const hard = this.#previousHard;
    if (r.term !== hard.term || r.vote !== hard.vote || r.raftLog.committed !== hard.commit) return true;
    if (r.msgs.length > 0 || r.msgsAfterAppend.length > 0 || r.readStates.length > 0) return true;
    return (
      r.raftLog.hasNextUnstableSnapshot() ||
      r.raftLog.hasNextUnstableEnts() ||
      r.raftLog.hasNextCommittedEnts(!this.#async)
    );
  }

  /**
   * What is to be done. Without asynchronous storage writes it must be followed by `advance` before the next call.
   *
   * @throws RaftPanic if the one before was not advanced.
   */
  ready(): Ready {
    const r = this.#raft;
    if (this.#awaitsAdvance) r.panic("two accepted Ready structs without call to Advance");
    const ready = this.#collect();
    this.#accept(ready);
    return ready;
  }

  #collect(): Ready {
    const r = this.#raft;
    const hard = r.hardState();
    const soft = this.#previousSoft;
    const entries = r.raftLog.nextUnstableEnts();
    const ready: Ready & { messages: readonly Message[] } = {
      softState: r.lead !== soft.lead || r.state !== soft.raftState ? r.softState() : undefined,
      hardState: hardStateEqual(hard, this.#previousHard) ? emptyHardState : hard,
      readStates: r.readStates.length === 0 ? noReadStates : r.readStates,
      entries,
      snapshot: r.raftLog.nextUnstableSnapshot() ?? emptySnapshot,
      committedEntries: r.raftLog.nextCommittedEnts(!this.#async),
      messages: noMessages,
      mustSync: mustSync(hard, this.#previousHard, entries.length),
    };
    this.#addMessages(r.msgs, ready);
    // Not an empty queue itself, which goes on being used.
    if (r.msgs.length !== 0) ready.messages = r.msgs;
    return ready;
  }

  /** Adds what waits for the batch: as part of the storage messages, or, where the host waits itself, right here. */
  #addMessages(messages: Message[], ready: Ready): void {
    const r = this.#raft;
    if (this.#async) {
      if (needsStorageAppend(r, ready)) messages.push(storageAppend(r, ready));
      if (ready.committedEntries.length > 0) messages.push(storageApply(r, ready.committedEntries));
      return;
    }
    const steps = this.#stepsOnAdvance;
    for (const m of r.msgsAfterAppend) (m.to === r.id ? steps : messages).push(m);
    if (needsStorageAppendResp(r, ready)) steps.push(storageAppendResp(r, ready));
    if (ready.committedEntries.length > 0) steps.push(storageApplyResp(r, ready.committedEntries));
    this.#awaitsAdvance = true;
  }

  #accept(ready: Ready): void {
    const r = this.#raft;
    if (ready.softState !== undefined) this.#previousSoft = ready.softState;
    if (!isEmptyHardState(ready.hardState)) this.#previousHard = ready.hardState;
    if (r.readStates.length > 0) r.readStates = [];
    if (r.msgs.length > 0) r.msgs = [];
    r.msgsAfterAppend = [];
    r.raftLog.acceptUnstable();
    const { committedEntries } = ready;
    if (committedEntries.length > 0) {
      const last = (committedEntries[committedEntries.length - 1] as Entry).index;
      r.raftLog.acceptApplying(last, entsSize(committedEntries), !this.#async);
    }
    r.emit("Ready");
  }

  /**
   * Everything in the last Ready is durable, sent and applied.
   *
   * @throws RaftPanic with asynchronous storage writes, where responses take its place.
   */
  advance(): void {
    if (this.#async) this.#raft.panic("Advance must not be called when using AsyncStorageWrites");
    this.#awaitsAdvance = false;
    if (this.#stepsOnAdvance.length === 0) return;
    const steps = this.#stepsOnAdvance;
    this.#stepsOnAdvance = [];
    for (const m of steps) step(this.#raft, m);
  }

  /** Everything about the node and, if it leads, the progress of the others; makes copies. */
  status(): Status {
    return status(this.#raft);
  }

  /** The cheap part of the status. */
  basicStatus(): BasicStatus {
    return basicStatus(this.#raft);
  }

  /** Index of the last entry, durable or not. */
  lastIndex(): number {
    return this.#raft.raftLog.lastIndex();
  }

  /** The last message to the node was probably lost. */
  reportUnreachable(id: NodeId): void {
    step(this.#raft, newMessage("MsgUnreachable", { from: id }));
  }

  /** A snapshot was sent, or could not be; without this its receiver stays paused until it answers by itself. */
  reportSnapshot(id: NodeId, outcome: SnapshotStatus): void {
    step(this.#raft, newMessage("MsgSnapStatus", { from: id, reject: outcome === "SnapshotFailure" }));
  }

  /** Asks that the node take over. The host must have stopped serving and dropped its lease before (E12, Q5). */
  transferLeader(target: NodeId): void {
    step(this.#raft, newMessage("MsgTransferLeader", { from: target }));
  }

  /** Lets a follower vote for others at once, though it heard the leader. */
  forgetLeader(): StepError | undefined {
    return step(this.#raft, newMessage("MsgForgetLeader"));
  }

  /**
   * Asks for a linearizable read. `ReadState`s with the same context say from which applied index on it may be answered;
   * none comes if leadership is lost on the way, so the host needs a deadline (Q1).
   */
  readIndex(context: Uint8Array): void {
    step(this.#raft, newMessage("MsgReadIndex", { entries: [newEntry({ data: context })] }));
  }

  /** Ends the vote embargo of the start: T has passed since, so whatever leader it may have heard has no lease (Q4). */
  liftVoteEmbargo(): void {
    this.#raft.voteEmbargo = false;
  }

  /**
   * The newest round of heartbeats that was handed to `ready`, or will be; grows with `tick` and `readIndex`. The host
   * marks the time when it sees a new one, before it sends.
   */
  heartbeatRound(): number {
    return this.#raft.readOnly.round;
  }

  /** The newest round that a node has answered; 0 for none under this leadership. */
  ackedRound(id: NodeId): number {
    return this.#raft.readOnly.acked(id);
  }

  /**
   * The newest round that a quorum of every active configuration has answered; its mark is the S of Q2. Unlimited if the
   * node needs nobody else ("now"); 0 if there is none, if the node does not lead, and from the moment it asks another
   * node to take over until the end of the term: that request may be late, and wins votes without waiting (Q5).
   */
  quorumRound(): number {
    return this.#raft.timeoutNowSent ? 0 : quorumRound(this.#raft);
  }

  /** For tests: the next election timeout, in ticks, until the next change of role. */
  setRandomizedElectionTimeout(ticks: number): void {
    this.#raft.randomizedElectionTimeout = ticks;
  }
}

const noReadStates: readonly ReadState[] = Object.freeze([]);
const noMessages: readonly Message[] = Object.freeze([]);

/** Messages that only the node itself, or its own storage threads, may make. */
function isLocalMessage(type: MessageType): boolean {
  switch (type) {
    case "MsgHup":
    case "MsgBeat":
    case "MsgUnreachable":
    case "MsgSnapStatus":
    case "MsgCheckQuorum":
    case "MsgStorageAppend":
    case "MsgStorageAppendResp":
    case "MsgStorageApply":
    case "MsgStorageApplyResp":
      return true;
    default:
      return false;
  }
}

/** Answers, which make sense only from a node of the configuration. */
function isResponse(type: MessageType): boolean {
  switch (type) {
    case "MsgAppResp":
    case "MsgVoteResp":
    case "MsgHeartbeatResp":
    case "MsgUnreachable":
    case "MsgReadIndexResp":
    case "MsgPreVoteResp":
    case "MsgStorageAppendResp":
    case "MsgStorageApplyResp":
      return true;
    default:
      return false;
  }
}
