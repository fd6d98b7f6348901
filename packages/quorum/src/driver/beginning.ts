// SPDX-License-Identifier: Apache-2.0
import type { MemberReading } from "./life.ts";

/** What may be done for a history that nobody has written to yet. */
export type BeginningStep =
  /** Write `begun` to members that are empty. */
  | { readonly kind: "begin" }
  /** Write `admitted` to members that are begun. */
  | { readonly kind: "admit" }
  /** The first ballot may be minted, on members that are in these lives. */
  | { readonly kind: "stand"; readonly lives: ReadonlyMap<string, bigint> }
  /** There is a history already, or it cannot be told. */
  | { readonly kind: "none" };

const NONE: BeginningStep = Object.freeze({ kind: "none" });

/**
 * Compares two looks at all N members, the second of which began after the first had ended. A member that shows one
 * life in both was in it at the instant between them, and a stage only rises in a life: so what this says of all
 * members was true of all of them at once.
 *
 * All N are `begun` before one is `admitted`, and all N are `admitted` before there is a ballot. So
 *
 * - a member that is `begun` proves that there was no ballot yet, and those that are empty may begin again with it;
 * - an empty member beside an `admitted` one, with none that is `begun`, has lost what it held: nothing may be done.
 *
 * Members may hold a high-water that they were set up with, if all hold the same.
 */
export function nextStep(
  members: readonly string[],
  first: ReadonlyMap<string, MemberReading>,
  second: ReadonlyMap<string, MemberReading>,
): BeginningStep {
  const before = valuesOf(members, first);
  const after = valuesOf(members, second);
  if (before === undefined || after === undefined) return NONE;
  if (after.some(({ ballot }) => ballot > 0n)) return NONE;
  if (after.some(({ life }, index) => life === 0n || life !== before[index]?.life)) return NONE;
  if (new Set([...before, ...after].map(({ highWater }) => highWater)).size > 1) return NONE;
  if (before.every(({ stage }) => stage === "admitted")) {
    return { kind: "stand", lives: new Map(members.map((member, index) => [member, after[index]?.life ?? 0n])) };
  }
  if (before.every(({ stage }) => stage !== "empty")) return { kind: "admit" };
  const isVirgin = after.every(({ stage }) => stage === "empty") || after.some(({ stage }) => stage === "begun");
  return isVirgin ? { kind: "begin" } : NONE;
}

/** The readings of all members in order, or nothing if one is missing. */
function valuesOf(
  members: readonly string[],
  readings: ReadonlyMap<string, MemberReading>,
): readonly MemberReading[] | undefined {
  const found = members.flatMap((member) => readings.get(member) ?? []);
  return found.length === members.length ? found : undefined;
}
