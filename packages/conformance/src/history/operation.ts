// SPDX-License-Identifier: Apache-2.0
import type { Random } from "../random.ts";
import type { FaultName, Subject } from "../subject.ts";

/**
 * One step of a random history, as plain data. Each can stand after any other, so that leaving some
 * out of a history always gives a history again.
 */
export type Operation =
  | { readonly kind: "load"; readonly node: number }
  | { readonly kind: "persist"; readonly value: number }
  /** With the epoch of an earlier reign; nothing if there has been only one. */
  | { readonly kind: "persist-stale"; readonly value: number }
  | { readonly kind: "advance"; readonly keys: readonly string[]; readonly count: number }
  | { readonly kind: "next"; readonly node: number; readonly key: string }
  | { readonly kind: "replace"; readonly ids: readonly number[] }
  | { readonly kind: "leases"; readonly node: number }
  | { readonly kind: "reopen"; readonly node: number }
  | { readonly kind: "crash"; readonly node: number }
  | { readonly kind: "elect"; readonly node: number };

type Kind = Operation["kind"];

const keys: readonly [string, ...string[]] = ["a", "b", "c"];
/** Restarts and elections may each cost a real cluster seconds. */
const MAX_DISRUPTIONS = 4;

/** A random history that this subject can carry out. */
export function generateHistory(random: Random, subject: Subject, length: number): readonly Operation[] {
  const calm = calmKinds(subject);
  const disruptive: [Kind, ...Kind[]] = ["reopen"];
  if (offers(subject, "crash")) disruptive.push("crash");
  if (offers(subject, "elect")) disruptive.push("elect");
  let disruptions = 0;
  return Array.from({ length }, () => {
    const disrupt = disruptions < MAX_DISRUPTIONS && random.oneIn(6);
    if (disrupt) disruptions += 1;
    return generateOperation(random, random.pick(disrupt ? disruptive : calm), subject.nodes);
  });
}

function calmKinds({ capabilities, faults }: Subject): [Kind, ...Kind[]] {
  const kinds: [Kind, ...Kind[]] = ["load", "load", "persist", "persist"];
  if (faults.includes("elect")) kinds.push("persist-stale");
  if (capabilities.sequences) kinds.push("advance", "next");
  if (capabilities.leases) kinds.push("replace", "leases");
  return kinds;
}

function offers({ faults }: Subject, fault: FaultName): boolean {
  return faults.includes(fault);
}

function generateOperation(random: Random, kind: Kind, nodes: number): Operation {
  const node = random.below(nodes);
  switch (kind) {
    case "load":
    case "leases":
    case "reopen":
    case "crash":
    case "elect":
      return { kind, node };
    case "persist":
    case "persist-stale":
      return { kind, value: random.below(10_000) };
    case "advance":
      return {
        kind,
        keys: Array.from({ length: 1 + random.below(3) }, () => random.pick(keys)),
        count: 1 + random.below(4),
      };
    case "next":
      return { kind, node, key: random.pick(keys) };
    case "replace":
      return { kind, ids: [1, 2, 3, 4].filter(() => random.oneIn(2)) };
    default:
      return kind satisfies never;
  }
}

/** An operation as a person reads it. */
export function showOperation(operation: Operation): string {
  const { kind, ...rest } = operation;
  return `${kind} ${JSON.stringify(rest)}`;
}
