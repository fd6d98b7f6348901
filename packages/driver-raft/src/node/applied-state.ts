// SPDX-License-Identifier: Apache-2.0
import { asV2, type ConfChangeV2, newConfChangeV2 } from "../raft/conf-change.ts";
import { decodeConfChange } from "../raft/confchange/codec.ts";
import { type ConfState, type Entry, isEmptySnap, None, type Snapshot } from "../raft/types.ts";
import type { Identity, RaftStorage } from "../storage/storage.ts";
import type { Outcome } from "./machine/command.ts";
import { decodeMember } from "./machine/command-codec.ts";
import { Machine } from "./machine/machine.ts";
import type { MemberRecord } from "./machine/member.ts";
import type { Refusal } from "./replica-host.ts";
import type { ReplicaSettings } from "./replica-settings.ts";

/** One member with its role in the active configuration. */
export interface MemberView extends MemberRecord {
  readonly role: "voter" | "learner";
}

/** What entries did: their outcome, and whether the members are others now. */
export interface Applied {
  readonly outcome: Outcome | Refusal;
  readonly membersChanged: boolean;
}

/** Gives the core an applied change of configuration; returns the configuration after it. */
export type ApplyConfChange = (change: ConfChangeV2) => ConfState;

/** Everything that applied entries amount to: the replicated state, the configuration, and how far that is. */
export class AppliedState {
  readonly #self: Pick<Identity, "nodeId" | "storageId">;
  #machine: Machine;
  #confState: ConfState;
  #index: number;
  #snapshotIndex: number;
  /** Whether the configuration is another one than the newest snapshot's. */
  #reconfigured = false;

  /** @throws Error when the snapshot says that another disk belongs to this node; so do the other methods that change it. */
  constructor(snapshot: Snapshot, seqKeyCap: number, self: Pick<Identity, "nodeId" | "storageId">) {
    this.#self = self;
    this.#machine = isEmptySnap(snapshot) ? new Machine([], seqKeyCap) : Machine.decode(snapshot.data);
    this.#confState = snapshot.metadata.confState;
    this.#index = snapshot.metadata.index;
    this.#snapshotIndex = snapshot.metadata.index;
    this.#checkOwnDisk();
  }

  get machine(): Machine {
    return this.#machine;
  }

  get confState(): ConfState {
    return this.#confState;
  }

  /** Index of the last applied entry. */
  get index(): number {
    return this.#index;
  }

  /** In order of id. */
  members(): readonly MemberView[] {
    const voters = new Set([...this.#confState.voters, ...this.#confState.votersOutgoing]);
    return [...this.#machine.members()]
      .map((member): MemberView => ({ ...member, role: voters.has(member.id) ? "voter" : "learner" }))
      .sort((a, b) => a.id - b.id);
  }

  restore(snapshot: Snapshot): void {
    this.#machine = Machine.decode(snapshot.data);
    this.#confState = snapshot.metadata.confState;
    this.#index = snapshot.metadata.index;
    this.#snapshotIndex = snapshot.metadata.index;
    this.#reconfigured = false;
    this.#checkOwnDisk();
  }

  apply(entry: Entry, applyConfChange: ApplyConfChange): Applied {
    const applied = entry.type === "EntryNormal" ? this.#normal(entry) : this.#change(entry, applyConfChange);
    this.#index = entry.index;
    if (applied.membersChanged) this.#checkOwnDisk();
    return applied;
  }

  /**
   * Takes a snapshot and forgets what it covers, when enough was applied since the last one (E13). Also
   * after each change of the configuration: a node that joins is sent the newest snapshot, and refuses one
   * that does not name it.
   */
  maybeSnapshot(storage: RaftStorage, settings: ReplicaSettings): void {
    const { snapshotEntries, snapshotBytes, trailingEntries } = settings;
    const behind = this.#index - this.#snapshotIndex;
    const crowded = storage.logBytes >= snapshotBytes;
    const due = behind >= snapshotEntries || (behind > 0 && crowded);
    if (!due && !this.#reconfigured) return;
    storage.createSnapshot({ index: this.#index, confState: this.#confState, data: this.#machine.encode() });
    this.#snapshotIndex = this.#index;
    this.#reconfigured = false;
    // What is kept for slow followers must not keep the log that large: every entry would call for a snapshot then.
    const upTo = crowded ? this.#index : this.#index - trailingEntries;
    if (upTo >= storage.firstIndex()) storage.compact(upTo);
  }

  #normal({ term, data }: Entry): Applied {
    const outcome = this.#machine.apply(term, data);
    return { outcome, membersChanged: outcome.kind === "pinned" };
  }

  #change(entry: Entry, applyConfChange: ApplyConfChange): Applied {
    const change = asV2(decodeConfChange(entry));
    if (this.#takeMembers(change)) {
      this.#confState = applyConfChange(change);
      this.#reconfigured = true;
      return { outcome: { kind: "noop" }, membersChanged: true };
    }
    this.#confState = applyConfChange(noChange);
    const message = "the id of a removed member, or of one that stands, cannot be added (M6)";
    return { outcome: { code: "refused", message, refusal: "conflict" }, membersChanged: false };
  }

  /** Nobody else stands between a node and its own vote: on a disk that is not the member's it must not cast one (I3). */
  #checkOwnDisk(): void {
    const { nodeId, storageId } = this.#self;
    const expected = this.#machine.member(nodeId)?.storageId ?? storageId;
    if (expected === storageId) return;
    throw new Error(
      `the disk of this node was replaced: member ${nodeId} has storage ${expected}, this is ${storageId}; remove the member and add a new one under a new id`,
    );
  }

  /** Changes the list of members as the change says; false if it must not have any effect. */
  #takeMembers({ changes, context }: ConfChangeV2): boolean {
    for (const { type, nodeId } of changes) {
      if (type === "ConfChangeRemoveNode") this.#machine.removeMember(nodeId);
      else if (type === "ConfChangeAddLearnerNode" && context.length > 0) {
        if (!this.#machine.addMember(decodeMember(context))) return false;
      }
    }
    return true;
  }
}

/** A change that names no node changes nothing, and the core takes note that it is over. */
const noChange: ConfChangeV2 = newConfChangeV2({ changes: [{ type: "ConfChangeUpdateNode", nodeId: None }] });
