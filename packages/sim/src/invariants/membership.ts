// SPDX-License-Identifier: Apache-2.0
import { decodeConfChange, type Entry } from "@tsoracle/driver-raft/raft";
import type { Shadow } from "../shadow.ts";
import { hold } from "../violation.ts";

/** The voters and learners after some index. */
export interface ModelConfig {
  readonly voters: ReadonlySet<number>;
  readonly learners: ReadonlySet<number>;
}

/** Whether every majority of `a` shares a node with every majority of `b`. */
export function quorumsIntersect(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  let shared = 0;
  for (const id of a) if (b.has(id)) shared += 1;
  const majority = (size: number): number => Math.floor(size / 2) + 1;
  const fromShared = (size: number): number => Math.max(0, majority(size) - (size - shared));
  return fromShared(a.size) + fromShared(b.size) > shared;
}

/** Invariant 12 (M2): the leader puts no change into its log while another one is not applied. */
export function oneUnappliedChange(shadow: Shadow, entries: readonly Entry[], applied: number): void {
  let changes = 0;
  for (const entry of shadow.entries) if (entry.index > applied && entry.type !== "EntryNormal") changes += 1;
  for (const { type } of entries) if (type !== "EntryNormal") changes += 1;
  hold(changes <= 1, "12", () => `leader ${shadow.nodeId} has ${changes} unapplied changes in its log`);
}

/**
 * Invariant 12: the configurations that the committed entries make, computed apart from the code under test. Quorums of
 * consecutive ones intersect; and every node that has applied the same entries has the same one (M3, M6).
 */
export class ConfigHistory {
  readonly #changes: { readonly index: number; readonly config: ModelConfig }[];
  readonly #known: Set<number>;

  constructor(index: number, voters: readonly number[]) {
    this.#changes = [{ index, config: { voters: new Set(voters), learners: new Set() } }];
    this.#known = new Set(voters);
  }

  get latest(): ModelConfig {
    return (this.#changes[this.#changes.length - 1] as { config: ModelConfig }).config;
  }

  /** Where the latest one begins. */
  get latestIndex(): number {
    return (this.#changes[this.#changes.length - 1] as { index: number }).index;
  }

  at(index: number): ModelConfig {
    for (let at = this.#changes.length - 1; at > 0; at--) {
      const change = this.#changes[at];
      if (change !== undefined && change.index <= index) return change.config;
    }
    return (this.#changes[0] as { config: ModelConfig }).config;
  }

  committed(entry: Entry): void {
    if (entry.type === "EntryNormal") return;
    const change = decodeConfChange(entry);
    const steps = "changes" in change ? change.changes : [{ type: change.type, nodeId: change.nodeId }];
    const before = this.latest;
    const voters = new Set(before.voters);
    const learners = new Set(before.learners);
    for (const { type: kind, nodeId } of steps) {
      switch (kind) {
        case "ConfChangeAddNode":
          voters.add(nodeId);
          learners.delete(nodeId);
          break;
        case "ConfChangeAddLearnerNode":
          // An id that was there once, removed or not, never joins again (M6).
          if (this.#known.has(nodeId)) break;
          this.#known.add(nodeId);
          learners.add(nodeId);
          break;
        case "ConfChangeRemoveNode":
          voters.delete(nodeId);
          learners.delete(nodeId);
          break;
        case "ConfChangeUpdateNode":
          break;
        default:
          kind satisfies never;
      }
    }
    hold(
      quorumsIntersect(before.voters, voters),
      "12",
      () => `entry ${entry.index} leads to a quorum that overlaps none`,
    );
    this.#changes.push({ index: entry.index, config: { voters, learners } });
  }

  /** The configuration that a node has after `applied`. */
  check(nodeId: number, applied: number, voters: Iterable<number>, learners: Iterable<number>): void {
    const expected = this.at(applied);
    const text = (ids: Iterable<number>): string => [...ids].sort((a, b) => a - b).join(" ");
    const got = `${text(voters)} / ${text(learners)}`;
    const want = `${text(expected.voters)} / ${text(expected.learners)}`;
    hold(got === want, "12", () => `node ${nodeId} has configuration ${got} at ${applied}, expected ${want}`);
  }
}
