// SPDX-License-Identifier: Apache-2.0
import { crc32 } from "node:zlib";
import type { Entry, HardState } from "../raft/types.ts";
import { ByteWriter } from "./bytes.ts";
import type { BatchSummary, Payload, SnapshotMark } from "./payload.ts";

/** What is known of the log without its entries: enough to go on from a segment's first record. */
export interface LogBase {
  readonly hardState: HardState;
  readonly bootCount: number;
  /** Index 0: no snapshot. */
  readonly mark: SnapshotMark;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** A checksum over what must never go back: the hard state and the boot count. */
export function digestOf(hardState: HardState, bootCount: number): number {
  const { term, vote, commit } = hardState;
  return crc32(new ByteWriter(32).u64(term).u64(vote).u64(commit).u64(bootCount).finish());
}

/**
 * The state that a sequence of records amounts to. Opening replays records into it, and a running node applies the same
 * records once they are durable, so both can only come to the same result.
 */
export class LogState {
  hardState: HardState;
  bootCount: number;
  mark: SnapshotMark;
  /** The entry before the first one that is held. */
  #baseIndex: number;
  #baseTerm: number;
  #entries: Entry[] = [];

  constructor(base: LogBase) {
    this.hardState = base.hardState;
    this.bootCount = base.bootCount;
    this.mark = base.mark;
    this.#baseIndex = base.lastIndex;
    this.#baseTerm = base.lastTerm;
  }

  get firstIndex(): number {
    return this.#baseIndex + 1;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  /** Undefined outside `firstIndex - 1 .. lastIndex`. */
  term(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  /** Entries in `[from, to)`, which must be held. */
  slice(from: number, to: number): readonly Entry[] {
    return this.#entries.slice(from - this.#baseIndex - 1, to - this.#baseIndex - 1);
  }

  base(): LogBase {
    const { hardState, bootCount, mark, lastIndex, lastTerm } = this;
    return { hardState, bootCount, mark, lastIndex, lastTerm };
  }

  summary(): BatchSummary {
    return {
      lastIndex: this.lastIndex,
      lastTerm: this.lastTerm,
      digest: digestOf(this.hardState, this.bootCount),
    };
  }

  /** Forgets entries up to `index`. */
  compact(index: number): void {
    const term = this.term(index);
    if (term === undefined || index <= this.#baseIndex) return;
    this.#entries.splice(0, index - this.#baseIndex);
    this.#baseIndex = index;
    this.#baseTerm = term;
  }

  /** Takes one record in; a record that must not come here is not taken, and the answer says why. */
  apply(payload: Payload): string | undefined {
    switch (payload.type) {
      case "entry":
        return this.#append(payload.entry);
      case "hard_state":
        return this.#setHardState(payload.hardState);
      case "snapshot":
        return this.#setMark(payload.mark, payload.install);
      case "overwrite":
        return this.#overwrite(payload.from, payload.previousTerm);
      case "boot":
        if (payload.bootCount <= this.bootCount) {
          return `expected a boot count above ${this.bootCount}, found ${payload.bootCount}`;
        }
        this.bootCount = payload.bootCount;
        return undefined;
      case "end":
        return this.#endProblem(payload.summary);
      default:
        return payload satisfies never;
    }
  }

  #append(entry: Entry): string | undefined {
    if (entry.index !== this.lastIndex + 1) {
      return `expected entry ${this.lastIndex + 1} after entry ${this.lastIndex}, found entry ${entry.index}`;
    }
    if (entry.term < this.lastTerm) {
      return `expected entry ${entry.index} to be of term ${this.lastTerm} or later, found term ${entry.term}`;
    }
    this.#entries.push(entry);
    return undefined;
  }

  #setHardState(next: HardState): string | undefined {
    const { term, vote, commit } = this.hardState;
    if (next.term < term) return `expected a term of at least ${term}, found ${next.term}`;
    if (next.term === term && vote !== 0 && next.vote !== vote) {
      return `expected the vote of term ${term} to stay with ${vote}, found ${next.vote}`;
    }
    if (next.commit < commit) return `expected a commit index of at least ${commit}, found ${next.commit}`;
    this.hardState = { term: next.term, vote: next.vote, commit: next.commit };
    return undefined;
  }

  #setMark(mark: SnapshotMark, install: boolean): string | undefined {
    if (mark.index <= this.mark.index) {
      return `expected a snapshot above index ${this.mark.index}, found one at ${mark.index}`;
    }
    if (install) {
      if (mark.index < this.hardState.commit) {
        return `expected a snapshot at commit index ${this.hardState.commit} or above, found one at ${mark.index}`;
      }
      this.#entries = [];
      this.#baseIndex = mark.index;
      this.#baseTerm = mark.term;
    } else {
      const term = this.term(mark.index);
      if (mark.index > this.lastIndex) {
        return `expected a snapshot of the log that ends at ${this.lastIndex}, found one at ${mark.index}`;
      }
      if (term !== undefined && term !== mark.term) {
        return `expected the snapshot at ${mark.index} to be of term ${term}, found term ${mark.term}`;
      }
    }
    this.mark = mark;
    return undefined;
  }

  #overwrite(from: number, previousTerm: number): string | undefined {
    const floor = Math.max(this.hardState.commit, this.mark.index);
    if (from <= floor) return `expected nothing to be overwritten up to committed index ${floor}, found ${from}`;
    if (from > this.lastIndex)
      return `expected an overwrite inside the log that ends at ${this.lastIndex}, found ${from}`;
    const known = this.term(from - 1);
    if (known !== undefined && known !== previousTerm) {
      return `expected entry ${from - 1} to be of term ${known}, found ${previousTerm}`;
    }
    if (from <= this.#baseIndex) {
      // The entries up to here were in segments that are gone; the record itself says what the log ends with.
      this.#entries = [];
      this.#baseIndex = from - 1;
      this.#baseTerm = previousTerm;
    } else {
      this.#entries.length = from - this.#baseIndex - 1;
    }
    return undefined;
  }

  #endProblem(summary: BatchSummary): string | undefined {
    const { lastIndex, lastTerm, digest } = this.summary();
    if (summary.lastIndex !== lastIndex || summary.lastTerm !== lastTerm) {
      return (
        `expected the batch to end at entry ${summary.lastIndex} of term ${summary.lastTerm}, ` +
        `found entry ${lastIndex} of term ${lastTerm}`
      );
    }
    if (summary.digest !== digest) return "expected the hard state that the batch names, found another one";
    if (this.hardState.commit > lastIndex) {
      return `expected a commit index inside the log that ends at ${lastIndex}, found ${this.hardState.commit}`;
    }
    return undefined;
  }
}
