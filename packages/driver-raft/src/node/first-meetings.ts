// SPDX-License-Identifier: Apache-2.0

import type { NodeId } from "../raft/types.ts";
import { type Directory, readWhole, replaceWhole } from "../storage/device.ts";

const FILE = "first-meetings.json";

/** What a file that was written by this class must look like. */
function parse(text: string): Map<NodeId, string> {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError("expected a list");
  return new Map(
    value.map((pair: unknown): [NodeId, string] => {
      if (!Array.isArray(pair) || typeof pair[0] !== "number" || typeof pair[1] !== "string") {
        throw new TypeError("expected pairs of node id and storage id");
      }
      return [pair[0], pair[1]];
    }),
  );
}

/**
 * The storage ids of the other first members, recorded durably when each is first met. Until the record
 * is complete this node takes no part in votes or replication, so a disk that is lost and formatted again
 * is told from the first one by every member, also by those that are away when it happens
 * (docs/decisions/0003).
 */
export class FirstMeetings {
  readonly #directory: Directory;
  readonly #others: readonly NodeId[];
  readonly #met: Map<NodeId, string>;

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
    return this.#others.every((id) => this.#met.has(id));
  }

  /** Those that were not met yet. */
  missing(): readonly NodeId[] {
    return this.#others.filter((id) => !this.#met.has(id));
  }

  storageOf(id: NodeId): string | undefined {
    return this.#met.get(id);
  }

  /** Records a first member; durable when it returns. Others, and second meetings, change nothing. */
  meet(id: NodeId, storageId: string): void {
    if (!this.#others.includes(id) || this.#met.has(id)) return;
    this.#met.set(id, storageId);
    replaceWhole(this.#directory, FILE, Buffer.from(JSON.stringify([...this.#met])));
  }

  #read(): Map<NodeId, string> {
    try {
      return parse(Buffer.from(readWhole(this.#directory, FILE)).toString("utf8"));
    } catch (cause) {
      const message = `${this.#directory.path}/${FILE} is damaged; remove this member from the cluster and add a new one`;
      throw new Error(message, { cause });
    }
  }
}
