// SPDX-License-Identifier: Apache-2.0
import type { Entry } from "@tsoracle/driver-raft/raft";

/** One entry that some node has called committed. */
export interface CommittedEntry {
  readonly term: number;
  readonly entry: Entry | undefined;
}

/** The one global sequence of committed entries, as far as any node has said so. What is before the genesis is given. */
export class Committed {
  readonly #entries: CommittedEntry[] = [];
  readonly #base: number;
  readonly #baseTerm: number;

  constructor(base: number, baseTerm: number) {
    this.#base = base;
    this.#baseTerm = baseTerm;
  }

  get lastIndex(): number {
    return this.#base + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries[this.#entries.length - 1]?.term ?? this.#baseTerm;
  }

  termAt(index: number): number | undefined {
    return index === this.#base ? this.#baseTerm : this.#entries[index - this.#base - 1]?.term;
  }

  at(index: number): CommittedEntry | undefined {
    return this.#entries[index - this.#base - 1];
  }

  push(term: number, entry: Entry | undefined): void {
    this.#entries.push({ term, entry });
  }
}
