// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from "../raft/types.ts";

/**
 * When a node last heard each member, in its own ticks. The core's notes for its check of the quorum will not do: they are
 * wiped once in every election timeout, and right after that nobody was heard.
 */
export class HeardMembers {
  readonly #withinTicks: number;
  readonly #heardAt = new Map<NodeId, number>();
  #ticks = 0;
  #since = 0;

  constructor(withinTicks: number) {
    this.#withinTicks = withinTicks;
  }

  /** A reign begins: until T has passed, whoever was not heard yet may be alive all the same. */
  begin(): void {
    this.#since = this.#ticks;
  }

  /** Whether this node has led for long enough to hear everybody that lives. */
  get settled(): boolean {
    return this.#ticks - this.#since > this.#withinTicks;
  }

  tick(): void {
    this.#ticks += 1;
  }

  note(id: NodeId): void {
    this.#heardAt.set(id, this.#ticks);
  }

  /** Who is no member any more need not be remembered. */
  keep(members: Iterable<{ readonly id: NodeId }>): void {
    const ids = new Set([...members].map(({ id }) => id));
    for (const id of this.#heardAt.keys()) if (!ids.has(id)) this.#heardAt.delete(id);
  }

  /** Within the last election timeout. */
  isHeard(id: NodeId): boolean {
    const at = this.#heardAt.get(id);
    return at !== undefined && this.#ticks - at <= this.#withinTicks;
  }

  /** The voter that needs least to take over, of those that are heard, apart from this node. */
  successor(
    self: NodeId,
    voters: readonly NodeId[],
    progress: ReadonlyMap<NodeId, { readonly match: number }>,
  ): NodeId | undefined {
    let best: { readonly id: NodeId; readonly match: number } | undefined;
    for (const id of voters) {
      const match = progress.get(id)?.match ?? 0;
      if (id === self || !this.isHeard(id)) continue;
      if (best === undefined || match > best.match) best = { id, match };
    }
    return best?.id;
  }
}
