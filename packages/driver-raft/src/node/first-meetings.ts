// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../raft/types.ts";
import { DecodeError } from "../storage/bytes.ts";
import { type Directory, readWhole, replaceWhole } from "../storage/device.ts";
import { type SealedKind, seal, unseal } from "../storage/sealed.ts";
import type { FirstDisk, Hello } from "../transport/hello.ts";

const FILE = "first-meetings";
const kind: SealedKind = { magic: "TSRM", version: 2 };

/**
 * How far it has come with another first member: its disk was `heard` of, it has itself named the disks that this node
 * has `agreed` to, or somebody told that it was `removed`. Their order is that of the file; none goes back.
 */
const STEPS = ["heard", "agreed", "removed"] as const;
type Step = (typeof STEPS)[number];

/** Whoever waits asks again after so many ticks: the others may have heard more meanwhile. */
const ASK_EVERY_TICKS = 10;

interface Meeting {
  /** Undefined of one that was removed before its disk was heard of. */
  readonly storageId: string | undefined;
  readonly step: Step;
}

/**
 * The disks of the other first members, each recorded durably and once and for all when it is first heard of, from its own
 * node or from another first member. This node takes no part in votes or replication until each of the others has named
 * the very disks that this node knows, its own among them. So all disks that take part name the same disks, since a disk
 * names one for each member and never another; and a disk that took part, is lost and formatted again is refused by every
 * first member, also by those that were away meanwhile (docs/decisions/0003).
 *
 * A member that was removed need not say anything. Whoever tells of a removal has applied it, hence the pins before it, and
 * tells it to no disk but the one that is pinned: and a disk is only pinned by a leader with which all have agreed.
 */
export class FirstMeetings {
  readonly #directory: Directory;
  readonly #self: FirstDisk;
  readonly #others: readonly NodeId[];
  readonly #met: Map<NodeId, Meeting>;
  /** What each peer was last found to contradict. */
  readonly #contradictions = new Map<NodeId, string>();
  #hasNews = false;
  #waitedTicks = 0;

  /**
   * `others`: the first members beside this one; none for a node that joined later.
   *
   * @throws Error when the record cannot be read: it was written whole, so it was damaged since.
   */
  constructor(directory: Directory, self: FirstDisk, others: readonly NodeId[]) {
    this.#directory = directory;
    this.#self = self;
    this.#others = others;
    this.#met = directory.list().includes(FILE) ? this.#read() : new Map();
  }

  /** Whether this node may take part. */
  get complete(): boolean {
    return this.missing().length === 0;
  }

  /** One tick has passed. Returns whether to say Hello again, because there is more to say or to hear. */
  tick(): boolean {
    const hasNews = this.#hasNews;
    this.#hasNews = false;
    if (this.complete) return hasNews;
    this.#waitedTicks += 1;
    return hasNews || this.#waitedTicks % ASK_EVERY_TICKS === 0;
  }

  /** Those that have not agreed yet, and are not known to be removed. */
  missing(): readonly NodeId[] {
    return this.#others.filter((id) => (this.#met.get(id)?.step ?? "heard") === "heard");
  }

  /** For people: those that nobody has heard of yet, and when there are none, those that have not agreed. */
  awaited(): readonly NodeId[] {
    const missing = this.missing();
    const unheard = missing.filter((id) => this.storageOf(id) === undefined);
    return unheard.length > 0 ? unheard : missing;
  }

  storageOf(id: NodeId): string | undefined {
    return this.#met.get(id)?.storageId;
  }

  /** What this node says of the others. */
  recorded(): readonly FirstDisk[] {
    return [...this.#met].flatMap(([nodeId, { storageId }]) => (storageId === undefined ? [] : { nodeId, storageId }));
  }

  /**
   * Records what a Hello says that was accepted; durable when it returns, which must be before it is answered. Nodes that
   * are no first members, and what is recorded already, change nothing; but every answer may tell which first members
   * were removed.
   *
   * @returns what contradicts this node's own record, for the operator; undefined if nothing does, or that was said before
   */
  hear({
    nodeId,
    storageId,
    recorded,
    removed,
  }: Pick<Hello, keyof FirstDisk | "recorded" | "removed">): string | undefined {
    const wasFull = this.#isFull;
    const news = removed.map((id) => this.#reach(id, "removed"));
    const isFirst = this.#others.includes(nodeId);
    const theirs = new Map(
      (isFirst ? [...recorded, { nodeId, storageId }] : []).map((it) => [it.nodeId, it.storageId]),
    );
    for (const [id, disk] of theirs) news.push(this.#record(id, disk));
    if (this.#agree(theirs)) news.push(this.#reach(nodeId, "agreed"));
    if (news.includes(true)) replaceWhole(this.#directory, FILE, encode(this.#met));
    this.#hasNews ||= !wasFull && this.#isFull;
    const problem = this.#contradiction(nodeId, theirs);
    if (problem === undefined || problem === this.#contradictions.get(nodeId)) return undefined;
    this.#contradictions.set(nodeId, problem);
    return problem;
  }

  /** The disks of all are known, of those that are not removed: then there is something to agree to. */
  get #isFull(): boolean {
    return this.#others.every((id) => this.storageOf(id) !== undefined || this.#isRemoved(id));
  }

  /** Whether that is news. */
  #record(id: NodeId, storageId: string): boolean {
    const before = this.#met.get(id);
    if (!this.#others.includes(id) || before?.storageId !== undefined) return false;
    this.#met.set(id, { storageId, step: before?.step ?? "heard" });
    return true;
  }

  /** Whether that is news. */
  #reach(id: NodeId, step: Step): boolean {
    const before = this.#met.get(id);
    if (!this.#others.includes(id) || (before !== undefined && STEPS.indexOf(before.step) >= STEPS.indexOf(step))) {
      return false;
    }
    this.#met.set(id, { storageId: before?.storageId, step });
    return true;
  }

  #agree(theirs: ReadonlyMap<NodeId, string>): boolean {
    const all = [this.#self.nodeId, ...this.#others].filter((id) => !this.#isRemoved(id));
    return all.every((id) => this.#diskOf(id) !== undefined && this.#diskOf(id) === theirs.get(id));
  }

  #contradiction(nodeId: NodeId, theirs: ReadonlyMap<NodeId, string>): string | undefined {
    const id = [...theirs.keys()].find((each) => (this.#diskOf(each) ?? theirs.get(each)) !== theirs.get(each));
    if (id === undefined) return undefined;
    return (
      `node ${nodeId} has heard of storage ${theirs.get(id)} as member ${id}, and this node of ${this.#diskOf(id)}: a disk ` +
      "was replaced before the cluster had formed, so it cannot form. Format all first members anew"
    );
  }

  #diskOf(id: NodeId): string | undefined {
    return id === this.#self.nodeId ? this.#self.storageId : this.storageOf(id);
  }

  #isRemoved(id: NodeId): boolean {
    return this.#met.get(id)?.step === "removed";
  }

  #read(): Map<NodeId, Meeting> {
    try {
      return decode(readWhole(this.#directory, FILE));
    } catch (cause) {
      const message = `${this.#directory.path}/${FILE} is damaged; remove this member from the cluster and add a new one`;
      throw new Error(message, { cause });
    }
  }
}

/** `"TSRM" | u32 version | u32 n | n x (u64 node id | u8 step | storage id, or empty) | u32 crc`. */
function encode(met: ReadonlyMap<NodeId, Meeting>): Uint8Array {
  const bytes = [...met.values()].reduce((sum, { storageId = "" }) => sum + 10 + storageId.length, 4);
  return seal(kind, bytes, (writer) => {
    writer.u32(met.size);
    for (const [id, { storageId = "", step }] of met) writer.u64(id).u8(STEPS.indexOf(step)).text(storageId);
  });
}

/** @throws DecodeError */
function decode(bytes: Uint8Array): Map<NodeId, Meeting> {
  const reader = unseal(kind, bytes);
  const met = new Map<NodeId, Meeting>();
  for (let left = reader.u32(); left > 0; left--) {
    const id = reader.u64();
    const step = STEPS[reader.u8()];
    if (step === undefined) throw new DecodeError("a step of a meeting that this version does not know");
    met.set(id, { step, storageId: reader.text() || undefined });
  }
  return met;
}
