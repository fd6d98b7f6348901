// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../raft/types.ts";
import { DecodeError } from "../storage/bytes.ts";
import { type Directory, readWhole, replaceWhole } from "../storage/device.ts";
import { type SealedKind, seal, unseal } from "../storage/sealed.ts";
import type { Hello } from "../transport/hello.ts";

const FILE = "first-meetings";
const kind: SealedKind = { magic: "TSRM", version: 1 };

/**
 * How far it has come with another first member: `heard` of it, `known` to it, since before a node answers a Hello it has
 * recorded who asked, or told by a member that it was `removed`. Their order is that of the file; none goes back.
 */
const STEPS = ["heard", "known", "removed"] as const;

interface Meeting {
  /** Undefined of one that was removed before it was met. */
  readonly storageId: string | undefined;
  readonly step: (typeof STEPS)[number];
}

/**
 * The storage ids of the other first members, recorded durably when each is first met. This node takes no
 * part in votes or replication until it has met all of them and each has answered its Hello, hence has
 * recorded this node's storage too. So a disk that took part, is lost and formatted again is refused by
 * every first member, also by those that were away meanwhile (docs/decisions/0003). That this node knows
 * the others would not be enough: one that never heard of the lost disk would take the new one for it.
 *
 * One that was removed need not be met. Whoever can tell of a removal has applied it, hence the pins of all first members
 * before it, and answers no other disk than the one that is pinned; so a disk that takes part is either known to all
 * others or the pinned one, and there is only one such disk for each member.
 */
export class FirstMeetings {
  readonly #directory: Directory;
  readonly #others: readonly NodeId[];
  readonly #met: Map<NodeId, Meeting>;

  /**
   * `others`: the first members beside this one; none for a node that joined later.
   *
   * @throws Error when the record cannot be read: it was written whole, so it was damaged since.
   */
  constructor(directory: Directory, others: readonly NodeId[]) {
    this.#directory = directory;
    this.#others = others;
    this.#met = directory.list().includes(FILE) ? this.#read() : new Map();
  }

  get complete(): boolean {
    return this.#others.every((id) => this.#isDone(id));
  }

  /** Those that were not met yet, or have not answered yet, and are not known to be removed. */
  missing(): readonly NodeId[] {
    return this.#others.filter((id) => !this.#isDone(id));
  }

  storageOf(id: NodeId): string | undefined {
    return this.#met.get(id)?.storageId;
  }

  /**
   * Records a Hello that was accepted; durable when it returns, which must be before it is answered. A Hello
   * to nobody is an answer: its sender has accepted this node. Nodes that are no first members, and what is recorded
   * already, change nothing; but every answer may tell which first members were removed.
   */
  meet({ nodeId, storageId, to, removed }: Pick<Hello, "nodeId" | "storageId" | "to" | "removed">): void {
    const isAnswer = to === 0;
    const steps = [this.#raise(nodeId, isAnswer ? "known" : "heard", storageId)];
    if (isAnswer) for (const id of removed) steps.push(this.#raise(id, "removed", this.storageOf(id)));
    if (steps.includes(true)) replaceWhole(this.#directory, FILE, encode(this.#met));
  }

  /** Whether that is news. A disk that is recorded stays. */
  #raise(id: NodeId, step: Meeting["step"], storageId: string | undefined): boolean {
    if (!this.#others.includes(id)) return false;
    const before = this.#met.get(id);
    if (before?.storageId !== undefined && before.storageId !== storageId) return false;
    const after = before !== undefined && STEPS.indexOf(before.step) > STEPS.indexOf(step) ? before.step : step;
    if (before?.storageId === storageId && before?.step === after) return false;
    this.#met.set(id, { storageId, step: after });
    return true;
  }

  #isDone(id: NodeId): boolean {
    return (this.#met.get(id)?.step ?? "heard") !== "heard";
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
