// SPDX-License-Identifier: Apache-2.0
import {
  DEFAULT_SEQ_KEY_CAP,
  DenseTable,
  type Epoch,
  epoch,
  type LeaseRecord,
  PHYSICAL_MS_ZERO,
  type PhysicalMs,
  type SeqEntry,
  type SeqKey,
} from "@tsoracle/core";
import { MachineFormatError, RecordReader, RecordWriter } from "./codec.ts";
import type { Command, Outcome } from "./command.ts";
import { decodeCommand } from "./command-codec.ts";
import type { MemberRecord } from "./member.ts";

/** First number of a snapshot's content. */
const SNAPSHOT_FORMAT = 1;

/**
 * The replicated state: high-water, counters, leases, members. It is changed by applied entries alone
 * and in their order, so it is the same on every node at the same index. No I/O, no clock.
 */
export class Machine {
  #highWater: PhysicalMs = PHYSICAL_MS_ZERO;
  #dense: DenseTable;
  #leases: readonly LeaseRecord[] = [];
  readonly #members = new Map<number, MemberRecord>();
  readonly #removed = new Set<number>();

  /** `firstMembers` as the genesis lists them; none for a node that waits for a snapshot. */
  constructor(firstMembers: readonly MemberRecord[] = [], seqKeyCap: number = DEFAULT_SEQ_KEY_CAP) {
    this.#dense = new DenseTable([], seqKeyCap);
    for (const member of firstMembers) this.#members.set(member.id, member);
  }

  get highWater(): PhysicalMs {
    return this.#highWater;
  }

  sequence(key: SeqKey): bigint {
    return this.#dense.next(key);
  }

  /** In order of id. The caller must not change them. */
  leases(): readonly LeaseRecord[] {
    return this.#leases;
  }

  member(id: number): MemberRecord | undefined {
    return this.#members.get(id);
  }

  members(): Iterable<MemberRecord> {
    return this.#members.values();
  }

  /** Whether a member of this id was removed once; such an id never comes back (M6). */
  wasRemoved(id: number): boolean {
    return this.#removed.has(id);
  }

  /**
   * Applies the data of a normal entry. Empty data is the entry of an election.
   *
   * @throws MachineFormatError when the entry cannot be understood; the node must stop then.
   */
  apply(term: number, data: Uint8Array): Outcome {
    if (data.length === 0) return { kind: "noop" };
    const command = decodeCommand(data);
    const current = epoch(BigInt(term));
    if (command.epoch !== current) return { kind: "fenced", epoch: current };
    return this.#carryOut(command);
  }

  #carryOut(command: Command): Outcome {
    switch (command.kind) {
      case "advance":
        if (command.atLeast > this.#highWater) this.#highWater = command.atLeast;
        return { kind: "advanced", highWater: this.#highWater };
      case "sequences":
        return this.#advanceSequences(command.entries);
      case "leases":
        this.#leases = command.live;
        return { kind: "leases" };
      case "pin":
        return this.#pin(command.member, command.storageId);
      default:
        return command satisfies never;
    }
  }

  /** A member joins, as a learner or at once as a voter. Nothing happens if its id was removed once, or stands already. */
  addMember(member: MemberRecord): boolean {
    if (this.#removed.has(member.id) || this.#members.has(member.id)) return false;
    this.#members.set(member.id, member);
    return true;
  }

  removeMember(id: number): void {
    this.#members.delete(id);
    this.#removed.add(id);
  }

  #advanceSequences(entries: readonly SeqEntry[]): Outcome {
    const plan = this.#dense.prepare(entries);
    if (plan.ok) {
      this.#dense.commit(plan.updates);
      return { kind: "sequences", starts: plan.starts };
    }
    if (plan.reason === "overflow") {
      const message = `sequence ${JSON.stringify(plan.key)} would pass 2^64-1; use another key`;
      return { kind: "refused", code: "seq_overflow", message };
    }
    const message = `the cluster holds at most ${plan.cap} sequence keys and is full; use existing keys`;
    return { kind: "refused", code: "seq_cardinality_exceeded", message };
  }

  /** The first storage id that is pinned to a member stays. */
  #pin(id: number, storageId: string): Outcome {
    const member = this.#members.get(id);
    if (member !== undefined && member.storageId === undefined) this.#members.set(id, { ...member, storageId });
    return { kind: "pinned", storageId: this.#members.get(id)?.storageId };
  }

  /** Puts a counter where it could be after very many advances. For tests of overflow. */
  setSequence(key: SeqKey, next: bigint): void {
    this.#dense.commit(new Map([[key, next]]));
  }

  /** Everything, as the content of a snapshot. */
  encode(): Uint8Array {
    const record = new RecordWriter().number(SNAPSHOT_FORMAT).number(this.#highWater).number(this.#dense.cap);
    const counters = [...this.#dense.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    record.list(counters, ([key, next]) => record.text(key).bigint(next));
    record.list(this.#leases, (lease) => record.lease(lease));
    record.list([...this.#members.values()], (member) => record.member(member));
    record.list([...this.#removed], (id) => record.number(id));
    return record.finish();
  }

  /** @throws MachineFormatError */
  static decode(bytes: Uint8Array): Machine {
    const record = new RecordReader(bytes, "snapshot");
    const format = record.number();
    if (format !== SNAPSHOT_FORMAT) {
      throw new MachineFormatError(
        `expected format ${SNAPSHOT_FORMAT} of a snapshot, got ${format}: upgrade this node before it goes on`,
      );
    }
    const highWater = record.physicalMs();
    const cap = record.number();
    const counters = record.list((): [SeqKey, bigint] => [record.seqKey(), record.bigint()]);
    const leases = record.leases();
    const machine = new Machine(
      record.list(() => record.member()),
      cap,
    );
    for (const id of record.list(() => record.number())) machine.#removed.add(id);
    record.end();
    machine.#highWater = highWater;
    machine.#dense = new DenseTable(counters, cap);
    machine.#leases = leases;
    return machine;
  }

  /** Whether the storages of a majority of `voters` are pinned: from then on a lost disk cannot return unseen. */
  pinned(voters: readonly number[]): boolean {
    const known = voters.filter((id) => this.#members.get(id)?.storageId !== undefined).length;
    return known > voters.length / 2;
  }
}

/** The epoch that a term is: `epoch := term` (S2). */
export function epochOfTerm(term: number): Epoch {
  return epoch(BigInt(term));
}
