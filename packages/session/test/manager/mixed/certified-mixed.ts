// SPDX-License-Identifier: Apache-2.0
import type { FencedJournal } from "@tsoracle/consensus";
import type { CertifiedStore } from "../../../src/certification.ts";
import { mixedJournal } from "../../../src/mixed.ts";

/** Snapshots in the one store and entries in the other; what is done to the store is done to both. */
export function certifiedMixed(
  snapshots: CertifiedStore & AsyncDisposable,
  entries: CertifiedStore & AsyncDisposable,
): CertifiedStore & AsyncDisposable {
  const journals = new Map<number, Promise<FencedJournal>>();
  const open = async (node: number): Promise<FencedJournal> =>
    mixedJournal({ snapshots: await snapshots.journal(node), journal: await entries.journal(node) });
  const both = async (pressure: "slowDown" | "cutOff") => {
    const reliefs = await Promise.all([snapshots[pressure]?.(), entries[pressure]?.()]);
    return async () => {
      for (const relief of reliefs) await relief?.();
    };
  };
  return {
    name: `${snapshots.name}-snapshots-${entries.name}-entries`,
    journal: (node) => {
      const made = journals.get(node) ?? open(node);
      journals.set(node, made);
      return made;
    },
    slowDown: () => both("slowDown"),
    cutOff: () => both("cutOff"),
    [Symbol.asyncDispose]: async () => {
      for (const journal of journals.values()) await (await journal)[Symbol.asyncDispose]();
      await snapshots[Symbol.asyncDispose]();
      await entries[Symbol.asyncDispose]();
    },
  };
}
