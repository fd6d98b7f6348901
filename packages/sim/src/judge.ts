// SPDX-License-Identifier: Apache-2.0
import type { Message, Status } from "@tsoracle/driver-raft/raft";
import type { RaftStorage, StorageBatch } from "@tsoracle/driver-raft/storage";
import type { Counts } from "./counters.ts";
import { staysBounded } from "./invariants/bounds.ts";
import { committedEntriesAgree, extendAgreement } from "./invariants/commit-order.ts";
import { Committed } from "./invariants/committed.ts";
import { OneLeaderPerTerm } from "./invariants/leaders.ts";
import { LeaseOverlap } from "./invariants/lease-overlap.ts";
import { LogMatching } from "./invariants/log-matching.ts";
import { leaderOnlyAppends, logHasNoGapsAndRisingTerms, nothingCommittedIsCutOff } from "./invariants/log-writes.ts";
import { ConfigHistory, oneUnappliedChange } from "./invariants/membership.ts";
import { nothingGoesBack, type Progressing } from "./invariants/monotone.ts";
import { LeaseSets, Register, Sequences } from "./invariants/register.ts";
import { nothingDurableIsLost } from "./invariants/reopened.ts";
import { promisesAreDurable } from "./invariants/sent-durable.ts";
import { Timestamps } from "./invariants/timestamps.ts";
import {
  commitIsDurable,
  everyQuorumHoldsTheCommitted,
  leaderHasMostOfItsTerm,
  leaderIsComplete,
  type NodeView,
  upToDateMeansComplete,
} from "./invariants/tla.ts";
import { OneVotePerTerm, termAndVoteAreMonotone } from "./invariants/votes.ts";
import type { SnapshotRequest } from "./observed-storage.ts";
import { Shadow } from "./shadow.ts";
import { hold } from "./violation.ts";

const none: ReadonlySet<number> = new Set();

export interface JudgeSettings {
  readonly genesisIndex: number;
  readonly genesisTerm: number;
  readonly voters: readonly number[];
  readonly snapshotEntries: number;
  readonly trailingEntries: number;
  readonly segmentBytes: number;
}

/** What one start of a node has shown so far. */
export interface Lifetime {
  seen: Progressing | undefined;
  config: Status["config"] | undefined;
}

/** What is looked at after a step. */
export interface StepView {
  readonly status: Status;
  readonly applied: number;
  readonly highWater: number;
  readonly storage: RaftStorage;
}

/** Watches the whole cluster and checks the invariants of `raft.md` 11.6 after every step, each only where something changed. */
export class Judge {
  readonly register: Register = new Register();
  readonly sequences: Sequences = new Sequences();
  readonly leaseSets: LeaseSets = new LeaseSets();
  readonly leases: LeaseOverlap = new LeaseOverlap();
  readonly timestamps: Timestamps = new Timestamps();
  readonly views: Map<number, NodeView> = new Map();
  readonly committed: Committed;
  readonly configs: ConfigHistory;
  readonly #settings: JudgeSettings;
  readonly #counts: Counts;
  readonly #leaders = new OneLeaderPerTerm();
  readonly #votes = new OneVotePerTerm();
  readonly #matching = new LogMatching();
  /** The first entry that the leader of each term has committed, of whatever term the entry is. */
  readonly #terms: { readonly term: number; readonly index: number }[] = [];
  readonly #snapshots = new Map<number, Uint8Array>();

  constructor(settings: JudgeSettings, counts: Counts) {
    this.#settings = settings;
    this.#counts = counts;
    this.committed = new Committed(settings.genesisIndex, settings.genesisTerm);
    this.configs = new ConfigHistory(settings.genesisIndex, settings.voters);
  }

  /** A node that was just formatted. */
  addNode(id: number, base: number, baseTerm: number): NodeView {
    const shadow = new Shadow(id);
    shadow.term = baseTerm;
    shadow.base = base;
    shadow.baseTerm = baseTerm;
    shadow.agreed = base;
    const view: NodeView = { id, shadow, term: baseTerm, commit: base, applied: base, leads: false, voters: none };
    this.views.set(id, view);
    return view;
  }

  reopened(view: NodeView, storage: RaftStorage): void {
    nothingDurableIsLost(view.shadow, storage);
    extendAgreement(view.shadow, this.committed);
    view.leads = false;
  }

  appending(view: NodeView, batch: StorageBatch): void {
    const { shadow } = view;
    const { hardState, entries = [], snapshot } = batch;
    shadow.pending = batch;
    if (hardState !== undefined && hardState.term !== 0) termAndVoteAreMonotone(shadow, hardState);
    const installed = snapshot !== undefined && snapshot.metadata.index > 0 ? snapshot : undefined;
    if (installed !== undefined)
      this.#installing(view, installed.metadata.index, installed.metadata.term, installed.data);
    const first = entries[0];
    if (first === undefined) return;
    const before =
      installed?.metadata.index === first.index - 1 ? installed.metadata.term : shadow.termAt(first.index - 1);
    logHasNoGapsAndRisingTerms(shadow, entries, before);
    nothingCommittedIsCutOff(shadow, first, Math.min(view.commit, this.committed.lastIndex));
    const term = Math.max(shadow.term, hardState?.term ?? 0);
    leaderOnlyAppends(shadow, first, term, this.#leaders.leaderOf(term));
    if (first.index <= shadow.lastIndex) this.#counts.overwrites += 1;
    if (view.leads && view.term === first.term) oneUnappliedChange(shadow, entries, view.applied);
    let previous = before ?? 0;
    for (const entry of entries) {
      this.#matching.note(view.id, entry, previous);
      previous = entry.term;
    }
  }

  appended(view: NodeView, batch: StorageBatch): void {
    view.shadow.take(batch);
    view.shadow.pending = undefined;
    extendAgreement(view.shadow, this.committed);
  }

  /** Invariant 6: applied state is the same on every node at the same index. */
  snapshotTaken(view: NodeView, { index, data }: SnapshotRequest): void {
    this.#counts.snapshots_taken += 1;
    this.#sameState(view.id, index, data);
  }

  compacted(view: NodeView, index: number): void {
    view.shadow.compact(index);
  }

  sending(view: NodeView, message: Message, status: () => Status): void {
    promisesAreDurable(view.shadow, message);
    this.#votes.sent(message);
    switch (message.type) {
      case "MsgApp":
      case "MsgHeartbeat":
      case "MsgSnap":
      case "MsgTimeoutNow":
        if (this.#leaders.note(message.term, view.id)) this.#counts.elections += 1;
        if (message.commit > this.committed.lastIndex) this.#commit(view, status(), message.commit);
        break;
      default:
    }
  }

  /** S4: a reign is told of only when an entry of its term is applied. */
  reigns({ id, shadow }: NodeView, term: number, applied: number): void {
    const last = shadow.termAt(applied);
    hold(
      last === term,
      "S4",
      () => `node ${id} reigns in term ${term}, and has applied up to an entry of term ${last}`,
    );
  }

  /** Somebody who is not the node speaks for it, and is listened to. */
  doubleSends(message: Message): void {
    this.#votes.sent(message);
  }

  /** After every step of a node. */
  stepped(view: NodeView, life: Lifetime, step: StepView): void {
    const { status, applied, highWater, storage } = step;
    const { term, commit } = status.hardState;
    const seen = { term, commit, applied, highWater };
    if (life.seen !== undefined) nothingGoesBack(view.id, life.seen, seen);
    const grew = life.seen === undefined || commit !== life.seen.commit;
    life.seen = seen;
    view.term = term;
    view.leads = status.softState.raftState === "StateLeader";
    if (view.leads && this.#leaders.note(term, view.id)) this.#counts.elections += 1;
    if (grew) this.#commit(view, status, commit);
    view.applied = applied;
    if (life.config !== status.config) {
      life.config = status.config;
      view.voters = status.config.voters.incoming;
      if (applied <= this.committed.lastIndex && view.voters.size > 0) {
        this.configs.check(view.id, applied, view.voters, status.config.learners);
      }
    }
    const { snapshotEntries, trailingEntries, segmentBytes } = this.#settings;
    const kept = applied - storage.firstIndex() + 1;
    staysBounded(view.id, { kept, snapshotEntries, trailingEntries }, { logBytes: storage.logBytes, segmentBytes });
    this.#compare(view);
  }

  #commit(view: NodeView, status: Status, commit: number): void {
    const { shadow } = view;
    committedEntriesAgree(shadow, Math.max(view.commit, shadow.base), commit, this.committed);
    if (commit > this.committed.lastIndex) {
      const leads = status.softState.raftState === "StateLeader";
      hold(leads, "7", () => `node ${view.id} calls entry ${commit} committed before any leader has`);
      // Entries of older terms are committed by one of the leader's own above them (E8, Figure 8).
      const ofTerm = shadow.termAt(commit);
      hold(
        ofTerm === undefined || ofTerm === status.hardState.term,
        "E8",
        () =>
          `leader ${view.id} of term ${status.hardState.term} commits entry ${commit} of term ${ofTerm} by counting`,
      );
      commitIsDurable(view, commit, [view.voters, status.config.voters.incoming], this.views);
      const { term } = status.hardState;
      if (this.#terms.at(-1)?.term !== term) this.#terms.push({ term, index: this.committed.lastIndex + 1 });
      for (let index = this.committed.lastIndex + 1; index <= commit; index++) {
        const entry = shadow.entryAt(index);
        this.committed.push(shadow.termAt(index) ?? 0, entry);
        this.#counts.commits += 1;
        if (entry !== undefined) this.configs.committed(entry);
      }
      for (const other of this.views.values()) extendAgreement(other.shadow, this.committed);
      for (const other of this.views.values()) {
        if (other.leads && other.term > view.term) leaderIsComplete(other, this.committed.lastIndex);
      }
    }
    view.commit = commit;
  }

  #compare(view: NodeView): void {
    everyQuorumHoldsTheCommitted(view, this.views);
    leaderHasMostOfItsTerm(view, this.views.values());
    if (view.leads) leaderIsComplete(view, this.#committedBefore(view.term));
    for (const other of this.views.values()) {
      if (other === view) continue;
      upToDateMeansComplete(view, other);
      upToDateMeansComplete(other, view);
    }
  }

  /** The last entry that was committed by a leader of a term before `term`; a leader holds at least that. */
  #committedBefore(term: number): number {
    return (this.#terms.find((first) => first.term >= term)?.index ?? this.committed.lastIndex + 1) - 1;
  }

  #installing(view: NodeView, index: number, term: number, data: Uint8Array): void {
    this.#counts.snapshots_installed += 1;
    hold(
      index > view.commit,
      "10",
      () => `node ${view.id} installs snapshot ${index}, it is committed up to ${view.commit}`,
    );
    hold(
      this.committed.termAt(index) === term,
      "6",
      () => `node ${view.id} installs snapshot ${index} of term ${term}, which is not a committed entry`,
    );
    this.#sameState(view.id, index, data);
  }

  #sameState(id: number, index: number, data: Uint8Array): void {
    const known = this.#snapshots.get(index);
    if (known === undefined) this.#snapshots.set(index, data);
    else hold(Buffer.compare(known, data) === 0, "6", () => `node ${id} has another state at ${index} than others`);
  }
}
