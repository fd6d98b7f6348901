// SPDX-License-Identifier: Apache-2.0
import type { Entry } from "@tsoracle/driver-raft/raft";
import { hold } from "../violation.ts";

const TERMS = 2 ** 20;

interface Known {
  readonly entry: Entry;
  readonly previousTerm: number;
}

/**
 * Invariant 3 (LogMatchingInv): where two logs have the same term at an index, they are the same up to it. By
 * induction it is enough that each (index, term) has one content and one term before it.
 */
export class LogMatching {
  readonly #known = new Map<number, Known>();

  note(nodeId: number, entry: Entry, previousTerm: number): void {
    const key = entry.index * TERMS + entry.term;
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { entry, previousTerm });
      return;
    }
    const where = (): string => `node ${nodeId}, entry ${entry.index} of term ${entry.term}`;
    hold(
      known.previousTerm === previousTerm,
      "3",
      () => `${where()}: follows term ${previousTerm}, not ${known.previousTerm}`,
    );
    if (known.entry === entry) return;
    hold(known.entry.type === entry.type, "3", () => `${where()}: is ${entry.type}, elsewhere ${known.entry.type}`);
    hold(Buffer.compare(known.entry.data, entry.data) === 0, "3", () => `${where()}: has another content elsewhere`);
  }
}
