// SPDX-License-Identifier: Apache-2.0
import type { HardState, Message } from "@tsoracle/driver-raft/raft";
import type { Shadow } from "../shadow.ts";
import { hold } from "../violation.ts";

/** Invariant 2, on disk: term and vote never go back, and a vote stays for its term (P1, E6). */
export function termAndVoteAreMonotone(shadow: Shadow, next: HardState): void {
  const { nodeId, term, vote } = shadow;
  hold(next.term >= term, "2", () => `node ${nodeId} writes term ${next.term} after ${term}`);
  hold(
    next.term > term || vote === 0 || next.vote === vote,
    "2",
    () => `node ${nodeId} writes a vote for ${next.vote} in term ${term}, after one for ${vote}`,
  );
}

/** Invariant 2, on the wire: one vote per (node, term) over the whole history, across crashes (E6). */
export class OneVotePerTerm {
  readonly #votes = new Map<string, number>();

  sent({ type, from, to, term, reject }: Message): void {
    const candidate = type === "MsgVote" ? from : type === "MsgVoteResp" && !reject ? to : 0;
    if (candidate === 0) return;
    const key = `${from}/${term}`;
    const known = this.#votes.get(key);
    if (known === undefined) this.#votes.set(key, candidate);
    else hold(known === candidate, "2", () => `node ${from} votes for ${known} and for ${candidate} in term ${term}`);
  }
}
