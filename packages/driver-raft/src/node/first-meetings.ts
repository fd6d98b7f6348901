// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../raft/types.ts";
import { DecodeError } from "../storage/bytes.ts";
import { type Directory, readWhole, replaceWhole } from "../storage/device.ts";
import { type SealedKind, seal, unseal } from "../storage/sealed.ts";
import type { FirstDisk, Hello } from "../transport/hello.ts";

const FILE = "first-meetings";
const kind: SealedKind = { magic: "TSRM", version: 2 };

/** How far it has come with another first member: its disk was `heard` of, or it has `agreed`. In the order of the file. */
const STEPS = ["heard", "agreed"] as const;

interface Meeting {
  readonly storageId: string;
  readonly step: (typeof STEPS)[number];
}

/** Whoever waits asks again after so many ticks: the others may have heard more meanwhile. */
const ASK_EVERY_TICKS = 10;

/**
 * The disks of the other first members, each recorded durably and once and for all when it is first heard of, from its own
 * node or from another first member. This node takes no part in votes or replication until each of the others has named
 * the very disks that this node knows, its own among them. So all disks that take part name the same disks, since a disk
 * names one for each member and never another; and a disk that took part, is lost and formatted again is refused by every
 * first member, also by those that were away meanwhile (docs/decisions/0003).
 *
 * The word of another node is enough, where it implies that: of a first member that takes part and names the same disks,
 * because all have named them to that one, or to one before it; and of any node whose applied state names this very disk,
 * because a disk is pinned by a first leader, which takes part.
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

  /** Whether the disks of all are known: then there is something to agree to. */
  get isFull(): boolean {
    return this.#others.every((id) => this.storageOf(id) !== undefined);
  }

  /**
   * Whether nobody of its cluster can take this node's disk for a replaced one: it takes part, or it is the disk that the
   * applied state names.
   */
  isEstablished(pinned: string | undefined): boolean {
    return pinned === this.#self.storageId || (this.#others.length > 0 && this.complete);
  }

  /** One tick has passed. Returns whether to say Hello again, because there is more to say or to hear. */
  tick(): boolean {
    const hasNews = this.#hasNews;
    this.#hasNews = false;
    if (this.complete) return hasNews;
    this.#waitedTicks += 1;
    return hasNews || this.#waitedTicks % ASK_EVERY_TICKS === 0;
  }

  /** Those that have not agreed yet. */
  missing(): readonly NodeId[] {
    return this.#others.filter((id) => this.#met.get(id)?.step !== "agreed");
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

  /** What this node says of the others in every Hello. */
  said(): Pick<Hello, "recorded" | "complete"> {
    const recorded = [...this.#met].map(([nodeId, { storageId }]) => ({ nodeId, storageId }));
    return { recorded, complete: this.#others.length > 0 && this.complete };
  }

  /**
   * Records what a Hello says that was accepted; durable when it returns, which must be before it is answered. What is
   * recorded already changes nothing.
   *
   * @throws Error when this directory has forgotten what it said once: nobody takes part before all have recorded, and
   * named, all disks, so one that takes part can only know a node that knew them, too.
   * @returns what contradicts this node's own record, for the operator; undefined if nothing does, or that was said before
   */
  hear(hello: Pick<Hello, keyof FirstDisk | "recorded" | "complete" | "yourDisk">): string | undefined {
    const { nodeId, storageId, recorded, complete, yourDisk } = hello;
    const wasFull = this.isFull;
    const isFirst = this.#others.includes(nodeId);
    const theirs = new Map(
      (isFirst ? [...recorded, { nodeId, storageId }] : []).map((it) => [it.nodeId, it.storageId]),
    );
    // Who knows another disk in this node's place cannot agree with it ever, so what it knows is of another cluster.
    const mayAgree = (theirs.get(this.#self.nodeId) ?? this.#self.storageId) === this.#self.storageId;
    const isNamed = isFirst && complete && theirs.get(this.#self.nodeId) === this.#self.storageId;
    if (!wasFull && (isNamed || yourDisk === this.#self.storageId)) {
      throw new Error(
        `this directory is older than what node ${nodeId} has heard of it, so it was put back from a backup or a copy; ` +
          "remove this member from the cluster and add a new one",
      );
    }
    const news = mayAgree ? [...theirs].map(([id, disk]) => this.#record(id, disk)) : [];
    const agrees = isFirst && this.#agree(theirs);
    if (yourDisk === this.#self.storageId || (agrees && complete))
      news.push(...this.#others.map((id) => this.#raise(id)));
    else if (agrees) news.push(this.#raise(nodeId));
    if (news.includes(true)) replaceWhole(this.#directory, FILE, encode(this.#met));
    this.#hasNews ||= !wasFull && this.isFull;
    const problem = this.#contradiction(nodeId, theirs);
    if (problem === undefined || problem === this.#contradictions.get(nodeId)) return undefined;
    this.#contradictions.set(nodeId, problem);
    return problem;
  }

  /** Whether that is news. */
  #record(id: NodeId, storageId: string): boolean {
    if (!this.#others.includes(id) || this.#met.has(id)) return false;
    this.#met.set(id, { storageId, step: "heard" });
    return true;
  }

  /** Whether that is news. */
  #raise(id: NodeId): boolean {
    const before = this.#met.get(id);
    if (before === undefined || before.step === "agreed") return false;
    this.#met.set(id, { ...before, step: "agreed" });
    return true;
  }

  #agree(theirs: ReadonlyMap<NodeId, string>): boolean {
    const all = [this.#self.nodeId, ...this.#others];
    return all.every((id) => this.#diskOf(id) !== undefined && this.#diskOf(id) === theirs.get(id));
  }

  #contradiction(nodeId: NodeId, theirs: ReadonlyMap<NodeId, string>): string | undefined {
    const id = [...theirs.keys()].find((each) => (this.#diskOf(each) ?? theirs.get(each)) !== theirs.get(each));
    if (id === undefined) return undefined;
    return (
      `node ${nodeId} has heard of storage ${theirs.get(id)} as member ${id}, and this node of ${this.#diskOf(id)}: a disk ` +
      "was replaced before the cluster had formed, so it cannot form. Format all first members anew, under a new cluster id"
    );
  }

  #diskOf(id: NodeId): string | undefined {
    return id === this.#self.nodeId ? this.#self.storageId : this.storageOf(id);
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

/** `"TSRM" | u32 version | u32 n | n x (u64 node id | u8 step | storage id) | u32 crc`. */
function encode(met: ReadonlyMap<NodeId, Meeting>): Uint8Array {
  const bytes = [...met.values()].reduce((sum, { storageId }) => sum + 10 + storageId.length, 4);
  return seal(kind, bytes, (writer) => {
    writer.u32(met.size);
    for (const [id, { storageId, step }] of met) writer.u64(id).u8(STEPS.indexOf(step)).text(storageId);
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
    met.set(id, { step, storageId: reader.text() });
  }
  return met;
}
