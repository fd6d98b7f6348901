// SPDX-License-Identifier: Apache-2.0
import { RaftLog } from "./log/raft-log.ts";
import type { Storage } from "./log/storage.ts";
import { hex, type RaftLogger } from "./logger.ts";
import { RaftPanic } from "./panic.ts";
import { type CheckedConfig, checkRaftConfig, type RaftConfig } from "./raft-config.ts";
import { ReadOnly } from "./read-only.ts";
import { eventOf, type TraceEventName, type TraceSink } from "./trace.ts";
import { ProgressTracker } from "./tracker/progress-tracker.ts";
import {
  type HardState,
  type Message,
  type NodeId,
  None,
  noLimit,
  type ReadState,
  type SoftState,
  type StateType,
} from "./types.ts";

/**
 * The whole state of one node. The rules are functions over it, one file for each role or subject; nobody outside this
 * folder writes to it. Memory may run ahead of the disk here (`raft.md` P3); what may leave when is decided by `send`
 * and by `RawNode`.
 */
export class Raft {
  readonly id: NodeId;
  term = 0;
  vote: NodeId = None;
  readStates: ReadState[] = [];
  readonly raftLog: RaftLog;
  trk: ProgressTracker;
  state: StateType = "StateFollower";
  isLearner = false;
  lead: NodeId = None;
  /** The target of a leadership transfer under way. */
  leadTransferee: NodeId = None;
  /** At or above the index of the newest configuration change that may be unapplied (M2). */
  pendingConfIndex = 0;
  /** Estimated payload of the uncommitted tail; leader only. */
  uncommittedSize = 0;
  readonly readOnly: ReadOnly;
  /** Reads that wait until the leader has committed an entry of its term. */
  pendingReadIndexMessages: Message[] = [];

  /** May leave at once, to other nodes. */
  msgs: Message[] = [];
  /** Wait for everything unstable so far to be durable (P2); may be for this node itself. */
  msgsAfterAppend: Message[] = [];

  /** Ticks since the leader was last heard, since the election began, or since the quorum was checked. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /**
   * Ticks since a numbered heartbeat was answered. The leader's lease rests on that answer, so no vote is given for T
   * after it, whatever role, term or leader this node has meanwhile (Q2, Q3). A restart is covered by the embargo.
   */
  promiseElapsed: number = noLimit;
  /** Whether `TimeoutNow` left in this term: somebody may win an election without waiting for anybody's T (Q5). */
  timeoutNowSent = false;
  randomizedElectionTimeout = 0;
  /** Neither votes nor stands until the host lifts it (Q4). */
  voteEmbargo: boolean;

  readonly config: RaftConfig;
  readonly limits: CheckedConfig;
  readonly checkQuorum: boolean;
  readonly preVote: boolean;
  readonly electionTimeout: number;
  readonly heartbeatTimeout: number;
  readonly heartbeatRounds: boolean;
  readonly logger: RaftLogger | undefined;
  readonly trace: TraceSink | undefined;

  /** An empty follower of term 0; `startRaft` fills it from the storage. @throws TypeError for a bad configuration. */
  constructor(config: RaftConfig) {
    this.limits = checkRaftConfig(config);
    this.config = config;
    this.id = config.id;
    this.checkQuorum = config.checkQuorum ?? false;
    this.preVote = config.preVote ?? false;
    this.electionTimeout = config.electionTick;
    this.heartbeatTimeout = config.heartbeatTick;
    this.heartbeatRounds = config.heartbeatRounds ?? false;
    this.voteEmbargo = config.voteEmbargo ?? false;
    this.logger = config.logger;
    this.trace = config.trace;
    const storage: Storage = config.storage;
    this.raftLog = new RaftLog(storage, config.logger, this.limits.maxCommittedSizePerReady);
    this.trk = this.newTracker();
    this.readOnly = new ReadOnly(config.readOnlyOption ?? "ReadOnlySafe");
  }

  newTracker(): ProgressTracker {
    return new ProgressTracker(this.config.maxInflightMsgs, this.limits.maxInflightBytes);
  }

  softState(): SoftState {
    return { lead: this.lead, raftState: this.state };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.raftLog.committed };
  }

  /**
   * Queues a message. Answers to votes and appends, also the node's own, wait for what they promise to be durable;
   * refusals wait as well, since they too may rest on state that a crash would undo (P2). Others may leave at once.
   */
  send(m: Message): void {
    if (m.from === None) m.from = this.id;
    switch (m.type) {
      case "MsgVote":
      case "MsgPreVote":
        if (m.term === 0) this.panic(`term should be set when sending ${m.type}`);
        break;
      case "MsgVoteResp":
      case "MsgPreVoteResp":
        if (m.term === 0) this.panic(`term should be set when sending ${m.type}`);
        this.#queueAfterAppend(m);
        return;
      case "MsgAppResp":
        this.#setTerm(m);
        this.#queueAfterAppend(m);
        return;
      case "MsgProp":
      case "MsgReadIndex":
        // These are forwarded for somebody else and stay without a term, like local messages.
        if (m.term !== 0) this.panic(`term should not be set when sending ${m.type} (was ${m.term})`);
        break;
      default:
        this.#setTerm(m);
    }
    if (m.to === this.id) this.panic(`message should not be self-addressed when sending ${m.type}`);
    this.msgs.push(m);
    this.emitMessage("Send", m);
  }

  #setTerm(m: Message): void {
    if (m.term !== 0) this.panic(`term should not be set when sending ${m.type} (was ${m.term})`);
    m.term = this.term;
  }

  #queueAfterAppend(m: Message): void {
    this.msgsAfterAppend.push(m);
    this.emitMessage("Send", m);
  }

  /** What every change of role begins with. The vote survives unless the term changes (E6). */
  reset(term: number): void {
    if (this.term !== term) {
      this.term = term;
      this.vote = None;
    }
    this.lead = None;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.redrawElectionTimeout();
    this.leadTransferee = None;
    this.timeoutNowSent = false;
    this.trk.resetVotes();
    const last = this.raftLog.lastIndex();
    for (const [id, progress] of this.trk.progress) {
      progress.resetState("StateProbe");
      progress.match = id === this.id ? last : 0;
      progress.next = last + 1;
      progress.sentCommit = 0;
      progress.recentActive = false;
    }
    this.pendingConfIndex = 0;
    this.uncommittedSize = 0;
    this.readOnly.reset();
    if (this.pendingReadIndexMessages.length !== 0) this.pendingReadIndexMessages = [];
  }

  /** Draws a timeout in [T, 2T) (E1). */
  redrawElectionTimeout(): void {
    this.randomizedElectionTimeout = this.electionTimeout + this.config.randomInt(this.electionTimeout);
  }

  /** Does not stand for at least so many ticks from now. */
  postponeElection(ticks: number): void {
    this.randomizedElectionTimeout = Math.max(this.randomizedElectionTimeout, this.electionElapsed + ticks);
  }

  /** Whether an answer to a heartbeat still binds this node not to help to elect another leader. */
  bound(): boolean {
    return this.heartbeatRounds && this.promiseElapsed < this.electionTimeout;
  }

  pastElectionTimeout(): boolean {
    return this.electionElapsed >= this.randomizedElectionTimeout;
  }

  /** Whether this node could be elected: a voter, with no snapshot still to be restored. */
  promotable(): boolean {
    const progress = this.trk.progress.get(this.id);
    return progress !== undefined && !progress.isLearner && !this.raftLog.hasNextOrInProgressSnapshot();
  }

  /** Tells a listener, if there is one, that something happened just now. */
  emit(name: TraceEventName, msg?: Message, prop?: string): void {
    if (this.trace === undefined) return;
    const { voters, votersOutgoing } = this.trk.confState();
    this.trace({
      name,
      nid: this.id,
      state: { term: this.term, vote: this.vote, commit: this.raftLog.committed },
      role: this.state,
      log: this.raftLog.lastIndex(),
      conf: [voters, votersOutgoing],
      msg,
      prop,
    });
  }

  emitMessage(direction: "Send" | "Receive", m: Message): void {
    if (this.trace === undefined) return;
    const name = eventOf(m.type, direction);
    if (name !== undefined) this.emit(name, m);
  }

  panic(message: string): never {
    this.logger?.("ERROR", message);
    throw new RaftPanic(`node ${hex(this.id)}: ${message}`);
  }
}
