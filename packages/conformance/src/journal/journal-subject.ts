// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import type { Release } from "../subject.ts";
import type { JournalClauseId } from "./clause-id.ts";

/** Faults that a harness can inject into one store of journals. Those it has, it lists in {@link JournalSubject.faults}. */
export interface JournalFaults {
  /**
   * Drops an open node without closing it, as if its process had died; only durable state survives. Its journal is not
   * used again: `open` the node for a new one.
   */
  crash(node: number): Promise<void>;
  /** Lets the next write of a node commit and loses the answer. */
  loseReply(node: number): Promise<void>;
  /** Holds the writes of a node, begun from now on, until released; then they reach the store, late. */
  stall(node: number): Promise<Release>;
  /** Cuts a node off from the store until released. */
  partition(node: number): Promise<Release>;
  /** Leaves behind the last entry of a session what a crash in the middle of an append would. Called while no node is open. */
  tornTail(id: string): Promise<void>;
  /** Changes one byte of an entry that was acknowledged and is not the last. Called while no node is open. */
  corrupt(id: string): Promise<void>;
}

export type JournalFaultName = keyof JournalFaults;

/**
 * One isolated store, which nodes open, close, crash and open again. Disposal closes whatever is open and removes
 * whatever was made.
 */
export interface JournalUniverse extends AsyncDisposable {
  /** Opens node `0 <= node < nodes`. Again while it is open: what a second process would do; only asked if `exclusive`. */
  open(node: number): Promise<FencedJournal>;
  readonly faults: Partial<JournalFaults>;
}

/** A store of journals, and the means to test it. */
export interface JournalSubject {
  /** Names the store in reports: "file", "postgres", ... */
  readonly name: string;
  /** How many nodes can have the store open at once. A store that shares nothing between nodes has 1. */
  readonly nodes: number;
  /** Whether the store refuses a second process. Then `nodes` is 1. @defaultValue false */
  readonly exclusive?: boolean;
  /** The faults that every universe of this subject offers. */
  readonly faults: readonly JournalFaultName[];
  /** Longest that a call may take while its store stalls, in milliseconds. @defaultValue 5000 */
  readonly callTimeoutMs?: number;
  /** Makes a new, empty store. Two provisions never share anything, even with equal seeds. */
  provision(seed: number): Promise<JournalUniverse>;
  /** Clauses that the store is known to break, with the reason. One that passes fails the run. */
  readonly gaps?: Partial<Record<JournalClauseId, string>>;
  /** Faults that the harness cannot inject or that the store cannot have, with the reason. */
  readonly waivers?: Partial<Record<JournalFaultName, string>>;
}

const faultNames: { readonly [Name in JournalFaultName]: true } = {
  crash: true,
  loseReply: true,
  stall: true,
  partition: true,
  tornTail: true,
  corrupt: true,
};

/** @throws TypeError for a subject that contradicts itself, before anything runs. */
export function validateJournalSubject(subject: JournalSubject, clauses: Readonly<Record<string, unknown>>): void {
  const refuse = (what: string): never => {
    throw new TypeError(`journal subject ${JSON.stringify(subject.name)}: ${what}`);
  };
  if (typeof subject.name !== "string" || subject.name.trim() === "") refuse("expected a name that is not empty");
  if (!Number.isInteger(subject.nodes) || subject.nodes < 1) refuse(`expected nodes from 1, got ${subject.nodes}`);
  if (typeof subject.provision !== "function") refuse("expected a function provision(seed)");
  if (subject.exclusive === true && subject.nodes !== 1) refuse("an exclusive store has 1 node");
  if (!Array.isArray(subject.faults)) refuse("expected an array of fault names");
  for (const fault of [...subject.faults, ...Object.keys(subject.waivers ?? {})]) {
    if (!Object.hasOwn(faultNames, fault)) refuse(`unknown fault ${JSON.stringify(fault)}`);
  }
  for (const [fault, reason] of Object.entries(subject.waivers ?? {})) {
    if (subject.faults.includes(fault as JournalFaultName)) refuse(`the fault "${fault}" is both offered and waived`);
    if (reason.trim() === "") refuse(`the waiver for "${fault}" gives no reason`);
  }
  for (const [id, reason] of Object.entries(subject.gaps ?? {})) {
    if (!Object.hasOwn(clauses, id)) refuse(`a gap names the unknown clause ${JSON.stringify(id)}`);
    if (reason.trim() === "") refuse(`the gap for ${id} gives no reason`);
  }
}
