// SPDX-License-Identifier: Apache-2.0
import type { RedisNode } from "./redis-node.ts";

interface Seen {
  readonly progress: string;
  readonly atMs: number;
}

/**
 * Tells a node that somebody is filling from one whose filling has ended half-way. Who fills says so before each session
 * and while it lists them; who has not said anything for this long is taken for dead. A mistake costs a filling from the start, and nothing else.
 */
export class FillingWatch {
  readonly #patienceMs: number;
  readonly #seen = new Map<string, Seen>();

  /** @param patienceMs more than one session takes to be copied */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** By what was last seen of the node. */
  isFilledByOthers(
    { label, objection, facts }: Pick<RedisNode, "label" | "objection" | "facts">,
    nowMs: number,
  ): boolean {
    const { st, adm = "", bt = "" } = facts?.mark ?? {};
    if (objection !== undefined || st !== "filling" || adm === "") {
      this.#seen.delete(label);
      return false;
    }
    const progress = `${adm} ${bt}`;
    const seen = this.#seen.get(label);
    if (seen?.progress === progress) return nowMs - seen.atMs < this.#patienceMs;
    this.#seen.set(label, { progress, atMs: nowMs });
    return true;
  }
}
