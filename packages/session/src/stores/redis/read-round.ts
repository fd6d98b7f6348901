// SPDX-License-Identifier: Apache-2.0
import { majority, type Timers } from "@tsoracle/quorum";
import { type KnownState, knownState } from "./quorum-read.ts";
import type { ReplicaAnswer, ReplicaHead, ReplicaNode } from "./replica.ts";

export interface ReadResult {
  readonly known: KnownState | undefined;
  /** Of the nodes with a vote that answered. */
  readonly heads: ReadonlyMap<string, ReplicaHead>;
  readonly answers: ReadonlyMap<string, ReplicaAnswer>;
}

/** Once a majority has answered without showing one state, the rest get this long to do so, in milliseconds. */
const GRACE_MS = 40;

/** Asks every node for its copy of a session, and resolves as soon as the answers show what is on a majority. */
export function readRound(
  nodes: readonly ReplicaNode[],
  id: string,
  limitMs: number,
  timers: Timers,
): Promise<ReadResult> {
  return new Promise((resolve) => {
    const heads = new Map<string, ReplicaHead>();
    const answers = new Map<string, ReplicaAnswer>();
    let isOver = false;
    let cancelGrace = (): void => {};
    const finish = (known: KnownState | undefined): void => {
      if (isOver) return;
      isOver = true;
      cancelLimit();
      cancelGrace();
      resolve({ known, heads: new Map(heads), answers: new Map(answers) });
    };
    const cancelLimit = timers.after(limitMs, () => finish(undefined));
    for (const node of nodes) {
      void node.ask(id, { kind: "read" }, limitMs).then((answer) => {
        if (isOver) return;
        answers.set(node.label, answer);
        if (answer.kind === "head" && answer.votes) heads.set(node.label, answer.copy);
        const known = knownState(heads, nodes.length);
        if (known !== undefined || answers.size === nodes.length) finish(known);
        else if (heads.size === majority(nodes.length)) cancelGrace = timers.after(GRACE_MS, () => finish(undefined));
      });
    }
  });
}
