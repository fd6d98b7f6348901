// SPDX-License-Identifier: Apache-2.0
import { CLAUSES } from "./catalogue.ts";
import type { ClauseId } from "./clause-id.ts";
import type { FaultName, Subject } from "./subject.ts";
import { plan } from "./verdict.ts";

const faultNames: { readonly [Name in FaultName]: true } = {
  crash: true,
  loseReply: true,
  stall: true,
  elect: true,
  partition: true,
  setSequence: true,
  wipe: true,
};

/**
 * Refuses a subject that contradicts itself, before anything runs. Subjects are typed, but those that
 * the command line loads were not necessarily compiled.
 *
 * @throws TypeError
 */
export function validateSubject(subject: Subject): void {
  const refuse = (what: string): never => {
    throw new TypeError(`subject ${JSON.stringify(subject.name)}: ${what}`);
  };
  if (typeof subject.name !== "string" || subject.name.trim() === "") refuse("expected a name that is not empty");
  if (![1, 3, 5].includes(subject.nodes)) refuse(`expected nodes to be 1, 3 or 5, got ${String(subject.nodes)}`);
  if (typeof subject.provision !== "function") refuse("expected a function provision(seed)");
  if (typeof subject.capabilities !== "object" || subject.capabilities === null)
    refuse("expected the driver's capabilities");
  if (subject.capabilities.topology === "cluster" && subject.nodes < 3) {
    refuse("a driver whose topology is cluster is tested with 3 or 5 nodes, got 1");
  }
  const { stores = 1 } = subject;
  if (!Number.isInteger(stores) || stores < 1 || stores === 2) {
    refuse(`expected stores to be 1, or a whole number from 3, got ${String(stores)}`);
  }
  if (!Array.isArray(subject.faults)) refuse("expected an array of fault names");
  for (const fault of subject.faults) {
    if (!Object.hasOwn(faultNames, fault)) refuse(`unknown fault ${JSON.stringify(fault)}`);
  }
  for (const [fault, reason] of Object.entries(subject.waivers ?? {})) {
    if (!Object.hasOwn(faultNames, fault)) refuse(`a waiver names the unknown fault ${JSON.stringify(fault)}`);
    if (subject.faults.includes(fault as FaultName)) refuse(`the fault "${fault}" is both offered and waived`);
    if (isBlank(reason)) refuse(`the waiver for "${fault}" gives no reason`);
  }
  for (const [id, reason] of Object.entries(subject.gaps ?? {})) {
    if (!Object.hasOwn(CLAUSES, id)) refuse(`a gap names the unknown clause ${JSON.stringify(id)}`);
    if (isBlank(reason)) refuse(`the gap for ${id} gives no reason`);
    const planned = plan(id as ClauseId, CLAUSES[id as ClauseId], subject);
    if (planned.kind !== "run") refuse(`the gap for ${id} cannot be confirmed: the clause is ${planned.kind}`);
  }
}

function isBlank(reason: unknown): boolean {
  return typeof reason !== "string" || reason.trim() === "";
}
