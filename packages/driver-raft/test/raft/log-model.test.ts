// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entsSize } from "../../src/raft/log/entry-size.ts";
import type { LogError } from "../../src/raft/log/log-error.ts";
import { MemoryStorage } from "../../src/raft/log/memory-storage.ts";
import { RaftLog } from "../../src/raft/log/raft-log.ts";
import { type Entry, emptyConfState, newEntry, noLimit, type Snapshot } from "../../src/raft/types.ts";

/** A batch that was handed out to be written and is not reported yet. */
interface Write {
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
}

/** The log as a plain list of terms, without any idea of what is durable: `terms[i]` belongs to index `base + i`. */
class Model {
  base = 0;
  terms: number[] = [0];
  committed = 0;

  get last(): number {
    return this.base + this.terms.length - 1;
  }

  term(index: number): number | undefined {
    return this.terms[index - this.base];
  }
}

/** Drives a RaftLog and the model alike, with a storage that answers late but in order. */
class Run {
  readonly storage: MemoryStorage = new MemoryStorage();
  readonly log: RaftLog = new RaftLog(this.storage);
  readonly model: Model = new Model();
  readonly writes: Write[] = [];
  handedOut = 0;
  applied = 0;

  /** An append of `count` entries behind `prev`: the first `same` as they are here, the rest of a newer term. */
  append(back: number, count: number, same: number, rightTerm: boolean, ahead: number): void {
    const { model, log } = this;
    const prev = Math.max(model.committed, model.last - back);
    const prevTerm = (model.term(prev) as number) + (rightTerm ? 0 : 1);
    const newer = (model.terms.at(-1) as number) + 1;
    const entries: Entry[] = [];
    for (let index = prev + 1; index <= prev + count; index++) {
      const kept = index - prev <= same ? model.term(index) : undefined;
      entries.push(newEntry({ index, term: kept ?? newer }));
    }
    const commit = prev + ahead;
    const last = log.maybeAppend({ term: prevTerm, index: prev }, entries, commit);
    if (!rightTerm) {
      expect(last).toBeUndefined();
      return;
    }
    expect(last).toBe(prev + count);
    for (const { index, term } of entries) {
      if (model.term(index) === term) continue;
      model.terms.length = index - model.base;
      model.terms.push(term);
    }
    model.committed = Math.max(model.committed, Math.min(commit, prev + count));
  }

  handOut(): void {
    const { log } = this;
    if (!log.hasNextUnstableEnts() && !log.hasNextUnstableSnapshot()) return;
    this.writes.push({ snapshot: log.nextUnstableSnapshot(), entries: log.nextUnstableEnts() });
    log.acceptUnstable();
    expect([log.hasNextUnstableEnts(), log.hasNextUnstableSnapshot()]).toEqual([false, false]);
  }

  written(): void {
    const write = this.writes.shift();
    if (write === undefined) return;
    if (write.snapshot !== undefined) {
      this.storage.applySnapshot(write.snapshot);
      const { index } = write.snapshot.metadata;
      this.log.stableSnapTo(index);
      if (index > this.applied) {
        this.log.appliedTo(index, 0);
        this.applied = index;
      }
      this.handedOut = Math.max(this.handedOut, index);
    }
    this.storage.append(write.entries);
    const last = write.entries.at(-1);
    if (last !== undefined) this.log.stableTo(last);
  }

  /** P6: without `allowUnstable` nothing is applied before its own write is reported. */
  apply(allowUnstable: boolean): void {
    const { log, model } = this;
    if (log.hasNextOrInProgressSnapshot()) {
      expect(log.nextCommittedEnts(allowUnstable)).toEqual([]);
      return;
    }
    const end = allowUnstable ? model.committed : Math.min(model.committed, log.unstable.offset - 1);
    const entries = log.nextCommittedEnts(allowUnstable);
    const expected: number[] = [];
    for (let index = this.handedOut + 1; index <= end; index++) expected.push(index);
    expect(entries.map((entry) => entry.index)).toEqual(expected);
    expect(log.hasNextCommittedEnts(allowUnstable)).toBe(expected.length > 0);
    if (expected.length === 0) return;
    log.acceptApplying(end, entsSize(entries), allowUnstable);
    this.handedOut = end;
  }

  appliedAll(): void {
    if (this.log.hasNextOrInProgressSnapshot()) return;
    this.log.appliedTo(this.handedOut, 0);
    this.applied = this.handedOut;
  }

  /** Only what is applied, durable and not being written may go. */
  compact(): void {
    const index = Math.min(this.applied, this.log.unstable.offset - 1, this.storage.lastIndex());
    if (this.writes.length > 0 || this.log.hasNextOrInProgressSnapshot() || index <= this.model.base) return;
    expect(this.storage.compact(index)).toBeUndefined();
    this.model.terms = this.model.terms.slice(index - this.model.base);
    this.model.base = index;
  }

  restore(ahead: number): void {
    const index = this.model.committed + 1 + ahead;
    const term = (this.model.terms.at(-1) as number) + 1;
    this.log.restore({ data: Uint8Array.of(), metadata: { index, term, confState: emptyConfState } });
    this.model.base = index;
    this.model.terms = [term];
    this.model.committed = index;
  }

  /** One comparison of two texts for everything, because there are very many steps. */
  check(): void {
    const { log, model } = this;
    const indexes = model.terms.map((_, i) => model.base + i);
    const all = log.entries(model.base + 1, noLimit) as readonly Entry[];
    const actual = [
      [log.firstIndex(), log.lastIndex(), log.committed],
      indexes.map((index) => log.term(index)),
      [codeOf(log.term(model.base - 1)), codeOf(log.term(model.last + 1))],
      all.map((entry) => [entry.index, entry.term]),
      log.applied <= log.applying && log.applying <= log.committed && log.committed <= log.lastIndex(),
    ];
    const expected = [
      [model.base + 1, model.last, model.committed],
      model.terms,
      ["compacted", "unavailable"],
      model.terms.slice(1).map((term, i) => [model.base + 1 + i, term]),
      true,
    ];
    expect(JSON.stringify(actual)).toBe(JSON.stringify(expected));
  }
}

function codeOf(term: number | LogError): string {
  return typeof term === "number" ? "known" : term.code;
}

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      back: fc.nat(4),
      count: fc.nat(4),
      same: fc.nat(4),
      ahead: fc.nat(2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("mismatch" as const), back: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.constant({ kind: "handOut" as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: "written" as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("apply" as const), allowUnstable: fc.boolean() }) },
  { weight: 3, arbitrary: fc.constant({ kind: "appliedAll" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "compact" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restore" as const), ahead: fc.nat(3) }) },
);

describe("log against a plain list of terms (P6, P8, E7, E8, E11)", () => {
  it("holds the same entries, however writes, overwrites, snapshots and compaction interleave", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(command, { minLength: 30, maxLength: 80 }), (commands) => {
        const run = new Run();
        for (const step of commands) {
          const before = run.log.unstable.offset;
          const { base } = run.model;
          if (step.kind === "append") run.append(step.back, step.count, step.same, true, step.ahead);
          else if (step.kind === "mismatch") run.append(step.back, 1, 0, false, 1);
          else if (step.kind === "apply") run.apply(step.allowUnstable);
          else if (step.kind === "restore") run.restore(step.ahead);
          else run[step.kind]();
          run.check();
          if (step.kind === "append" && run.log.unstable.offset < before) seen.add("overwrites what is durable");
          if (step.kind === "append" && run.writes.length > 0) seen.add("appends during a write");
          if (step.kind === "restore" && run.writes.length > 0) seen.add("restores during a write");
          if (step.kind === "compact" && run.model.base > base) seen.add("compacts");
        }
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual([
      "appends during a write",
      "compacts",
      "overwrites what is durable",
      "restores during a write",
    ]);
  });
});
