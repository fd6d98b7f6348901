// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../raft/types.ts";
import { type Directory, readWhole, replaceWhole } from "../storage/device.ts";
import { type SealedKind, seal, unseal } from "../storage/sealed.ts";
import type { Hello } from "../transport/hello.ts";

const FILE = "first-meetings";
const kind: SealedKind = { magic: "TSRM", version: 1 };

interface Meeting {
  readonly storageId: string;
  /** Whether it answered this node's Hello: before a node answers, it has recorded who asked. */
  readonly knowsThisNode: boolean;
}

/**
 * The storage ids of the other first members, recorded durably when each is first met. This node takes no
 * part in votes or replication until it has met all of them and each has answered its Hello, hence has
 * recorded this node's storage too. So a disk that took part, is lost and formatted again is refused by
 * every first member, also by those that were away meanwhile (docs/decisions/0003). That this node knows
 * the others would not be enough: one that never heard of the lost disk would take the new one for it.
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

  /** Those that were not met yet, or have not answered yet. */
  missing(): readonly NodeId[] {
    return this.#others.filter((id) => !this.#isDone(id));
  }

  storageOf(id: NodeId): string | undefined {
    return this.#met.get(id)?.storageId;
  }

  /**
   * Records a Hello that was accepted; durable when it returns, which must be before it is answered. A Hello
   * to nobody is an answer. Nodes that are no first members, and what is recorded already, change nothing.
   */
  meet({ nodeId, storageId, to }: Pick<Hello, "nodeId" | "storageId" | "to">): void {
    const before = this.#met.get(nodeId);
    if (!this.#others.includes(nodeId) || (before !== undefined && before.storageId !== storageId)) return;
    const knowsThisNode = to === 0 || before?.knowsThisNode === true;
    if (before?.knowsThisNode === knowsThisNode) return;
    this.#met.set(nodeId, { storageId, knowsThisNode });
    replaceWhole(this.#directory, FILE, encode(this.#met));
  }

  #isDone(id: NodeId): boolean {
    return this.#met.get(id)?.knowsThisNode === true;
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

/** `"TSRM" | u32 version | u32 n | n x (u64 node id | u8 knows this node | storage id) | u32 crc`. */
function encode(met: ReadonlyMap<NodeId, Meeting>): Uint8Array {
  const bytes = [...met.values()].reduce((sum, { storageId }) => sum + 10 + storageId.length, 4);
  return seal(kind, bytes, (writer) => {
    writer.u32(met.size);
    for (const [id, { storageId, knowsThisNode }] of met) {
      writer
        .u64(id)
        .u8(knowsThisNode ? 1 : 0)
        .text(storageId);
    }
  });
}

/** @throws DecodeError */
function decode(bytes: Uint8Array): Map<NodeId, Meeting> {
  const reader = unseal(kind, bytes);
  const met = new Map<NodeId, Meeting>();
  for (let left = reader.u32(); left > 0; left--) {
    const id = reader.u64();
    const knowsThisNode = reader.u8() === 1;
    met.set(id, { storageId: reader.text(), knowsThisNode });
  }
  return met;
}
