// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { JournalError } from "@tsoracle/consensus";
import { majority, type Timers } from "@tsoracle/quorum";
import { tellDamage } from "./damage.ts";
import type { Deadline } from "./group-errors.ts";
import type { ReplicaNode } from "./replica.ts";
import { ReplicaGroup, type ReplicaGroupOptions } from "./replica-group.ts";
import { ReplicatedSession, TRIES_TO_DAMAGE } from "./replicated-session.ts";

/** A node as a readmission needs it: what concerns the node and not one session. */
export interface AdmissibleNode extends ReplicaNode {
  /** The floor, if the node has a vote now. */
  floor(): Promise<bigint | undefined>;
  /** Takes nothing below this floor any more. Resolves to whether it has a vote and did. */
  raiseFloor(floor: bigint): Promise<boolean>;
  /** Every session of which the node has anything; `onPage` is awaited now and then. Rejects unless the list is whole. */
  sessions(onPage?: () => Promise<void>): Promise<ReadonlySet<string>>;
  /** Begins a new life of a node without a vote, under this floor. Resolves to whether it did, or that another was faster. */
  begin(floor: bigint, admission: string): Promise<boolean | "taken">;
  /** Says that the admission goes on. Resolves to false where another one has taken its place. */
  goesOn(admission: string): Promise<boolean>;
  /** Says that the admission does not go on, so that others need not wait to see it. Never rejects. */
  giveUp(admission: string): Promise<void>;
  /** Gives the node its vote, under this floor, if the same admission is still going on. */
  finish(admission: string, floor: bigint): Promise<boolean>;
}

export type AdmissionTerms = Omit<ReplicaGroupOptions, "nodes"> & {
  readonly nodes: readonly AdmissibleNode[];
  /** For the work on one session. */
  readonly deadline: () => Deadline;
  /** Asked before each session: whether to give up. */
  readonly isOver?: (() => boolean) | undefined;
};

/** While sessions are listed, progress is told so often. */
const PROGRESS_MS = 1_000;

/**
 * Fills a node that lost what it had, and gives it its vote back (`docs/decisions/0005`):
 *
 * 1. The node begins a new life without a vote.
 * 2. A majority of all nodes, not counting this one, takes a new floor: whatever was begun with the help of what the
 *    node has forgotten can never become a majority. After 1, because what it promised until then is forgotten, too.
 * 3. Every session that those others know is settled without it and copied to it.
 * 4. It has a vote, under that floor.
 *
 * A readmission that ends half-way leaves a node without a vote; another begins from the start. One that goes on says so
 * before each session and while it lists them, and one whose place another took ends.
 *
 * @throws JournalError `transient` or `permanent`
 */
export async function readmit(node: AdmissibleNode, terms: AdmissionTerms): Promise<void> {
  const others = terms.nodes.filter((other) => other !== node);
  const needed = majority(terms.nodes.length);
  const before = await floorsOf(others);
  if (before.length < needed) throw tooFew(node, needed, before.length);
  const admission = randomUUID();
  const begun = await node.begin(above(before), admission);
  if (begun === "taken") throw elsewhere(node);
  if (!begun) {
    throw new JournalError("transient", `${node.label} has changed since it was looked at; look again`);
  }
  try {
    await admit(node, admission, terms);
  } catch (error) {
    await node.giveUp(admission);
    throw error;
  }
}

async function admit(node: AdmissibleNode, admission: string, terms: AdmissionTerms): Promise<void> {
  const others = terms.nodes.filter((other) => other !== node);
  const needed = majority(terms.nodes.length);
  const floors = await floorsOf(others);
  if (floors.length < needed) throw tooFew(node, needed, floors.length);
  const floor = above(floors);
  const witnesses = await raised(others, floor);
  if (witnesses.length < needed) throw tooFew(node, needed, witnesses.length);
  const goOn = async (): Promise<void> => {
    if (terms.isOver?.() === true) throw new JournalError("transient", `${node.label}: filling it was given up`);
    if (!(await node.goesOn(admission))) throw elsewhere(node);
  };
  await goOn();
  const known = await Promise.all(witnesses.map((witness) => witness.sessions(nowAndThen(terms.timers, goOn))));
  // One that was lost while it was listed may have left sessions out.
  const whole = await raised(witnesses, floor);
  if (whole.length < witnesses.length) throw tooFew(node, needed, whole.length);
  const group = new ReplicaGroup(terms);
  for (const id of new Set(known.flatMap((ids) => [...ids]))) {
    await goOn();
    await fill(node, id, group, terms);
  }
  if (await node.finish(admission, floor)) return;
  throw elsewhere(node);
}

/** Nothing has failed: the node is in other hands. */
class FilledElsewhere extends JournalError {
  readonly isFilledElsewhere = true;
}

/** Whether a readmission ended because another one has the node, or because the node was lost once more. */
export function isFilledElsewhere(error: unknown): boolean {
  return error instanceof JournalError && "isFilledElsewhere" in error;
}

function elsewhere(node: AdmissibleNode): JournalError {
  return new FilledElsewhere("transient", `${node.label} was lost again, or is filled by somebody else; look again`);
}

/** The same work, at most once in this time, however often it is asked for. */
function nowAndThen(timers: Timers, work: () => Promise<void>): () => Promise<void> {
  let last = timers.monotonicMs();
  return async () => {
    if (timers.monotonicMs() - last < PROGRESS_MS) return;
    last = timers.monotonicMs();
    await work();
  };
}

async function floorsOf(nodes: readonly AdmissibleNode[]): Promise<readonly bigint[]> {
  return (await Promise.all(nodes.map((node) => node.floor()))).flatMap((floor) => floor ?? []);
}

function above(floors: readonly bigint[]): bigint {
  let most = 0n;
  for (const floor of floors) if (floor > most) most = floor;
  return most + 1n;
}

/** Those that have a vote and took the floor. */
async function raised(nodes: readonly AdmissibleNode[], floor: bigint): Promise<readonly AdmissibleNode[]> {
  const took = await Promise.all(nodes.map(async (node) => ((await node.raiseFloor(floor)) ? [node] : [])));
  return took.flat();
}

/** Copies one session, as it is settled on a majority of the others. */
async function fill(node: AdmissibleNode, id: string, group: ReplicaGroup, terms: AdmissionTerms): Promise<void> {
  const deadline = terms.deadline();
  for (let tries = 1; ; tries += 1) {
    const { ballot, head } = await new ReplicatedSession(id, group).settled(deadline);
    if (head === undefined) return;
    const others = terms.nodes.flatMap(({ label }) => (label === node.label ? [] : [label]));
    const found = await group.content(id, others, { ballots: [ballot] }, deadline);
    if (found !== undefined) {
      const install = { kind: "install", ballot, rev: found.rev, content: found.content } as const;
      const answer = await node.ask(id, install, deadline.leftMs());
      if (answer.kind === "ok") return;
      if (answer.kind === "failed") throw new JournalError("transient", `${node.label} ${answer.message}`);
    }
    // Somebody else works on the session; what it had when this began is then on the way to the node already.
    if (tries % TRIES_TO_DAMAGE === 0) await tellDamage(group, id, deadline);
    await group.pause(deadline, "fill");
  }
}

function tooFew(node: AdmissibleNode, needed: number, got: number): JournalError {
  return new JournalError(
    "transient",
    `${node.label} can be filled only while ${needed} other nodes have a vote, and ${got} have; start those first`,
  );
}
