// SPDX-License-Identifier: Apache-2.0
import type { Entry } from "@tsoracle/driver-raft/raft";
import type { StorageBatch } from "@tsoracle/driver-raft/storage";

/** What one node's disk must hold: everything that its storage has called durable, kept outside the code under test. */
export class Shadow {
  readonly nodeId: number;
  term = 0;
  vote = 0;
  base = 0;
  baseTerm = 0;
  entries: Entry[] = [];
  /** The batch that is being written; after a crash it may be there or not. */
  pending: StorageBatch | undefined;
  /** Up to here the log is known to equal the committed entries of the cluster. */
  agreed = 0;

  constructor(nodeId: number) {
    this.nodeId = nodeId;
  }

  get lastIndex(): number {
    return this.base + this.entries.length;
  }

  get lastTerm(): number {
    return this.entries[this.entries.length - 1]?.term ?? this.baseTerm;
  }

  /** Undefined below the base and behind the end. */
  termAt(index: number): number | undefined {
    return index === this.base ? this.baseTerm : this.entries[index - this.base - 1]?.term;
  }

  entryAt(index: number): Entry | undefined {
    return this.entries[index - this.base - 1];
  }

  /** Whether the entry is on the disk, or in a snapshot of committed state. */
  holds(index: number, term: number): boolean {
    return index <= this.base || this.termAt(index) === term;
  }

  /** Takes in a batch that is durable now. */
  take({ hardState, entries = [], snapshot }: StorageBatch): void {
    if (snapshot !== undefined && snapshot.metadata.index > 0) {
      this.base = snapshot.metadata.index;
      this.baseTerm = snapshot.metadata.term;
      this.entries = [];
      this.agreed = this.base;
    }
    const first = entries[0];
    if (first !== undefined) {
      const keep = first.index - this.base - 1;
      if (keep < this.entries.length) this.entries.length = Math.max(0, keep);
      this.agreed = Math.min(this.agreed, first.index - 1);
      for (const entry of entries) this.entries.push(entry);
    }
    if (hardState !== undefined && (hardState.term !== 0 || hardState.vote !== 0)) {
      this.term = hardState.term;
      this.vote = hardState.vote;
    }
  }

  /** The storage forgot what is up to `index`. */
  compact(index: number): void {
    const term = this.termAt(index);
    if (term === undefined || index <= this.base) return;
    this.entries.splice(0, index - this.base);
    this.base = index;
    this.baseTerm = term;
    if (this.agreed < index) this.agreed = index;
  }
}
