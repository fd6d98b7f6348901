// SPDX-License-Identifier: Apache-2.0
import { AckTracker, majority, QuorumPolicy, type Timers } from "@tsoracle/quorum";
import type { ReplicaAnswer, ReplicaNode } from "./replica.ts";

/** How a round over all nodes ended, with the answers there were by then. Slower nodes still get the request. */
export interface VoteResult {
  readonly ok: boolean;
  readonly answers: ReadonlyMap<string, ReplicaAnswer>;
}

/**
 * Sends to every node and resolves as soon as a majority of all nodes has voted for it or cannot any more, at the latest
 * when time is up. Never rejects, and what was sent is not taken back.
 */
export function voteRound(
  nodes: readonly ReplicaNode[],
  send: (node: ReplicaNode) => Promise<ReplicaAnswer>,
  limitMs: number,
  timers: Timers,
): Promise<VoteResult> {
  return new Promise((resolve) => {
    const n = nodes.length;
    const policy = new QuorumPolicy({ n, w: majority(n), ackTimeoutMs: Math.max(1, Math.ceil(limitMs)) });
    const members = nodes.map(({ label }) => label);
    const tracker = new AckTracker(policy, timers.monotonicMs(), { localVote: "none", members });
    const answers = new Map<string, ReplicaAnswer>();
    const conclude = (): void => {
      const now = timers.monotonicMs();
      const { ok } = tracker.finalise(now);
      if (!ok && !tracker.isTerminal(now)) return;
      cancel();
      resolve({ ok, answers: new Map(answers) });
    };
    const cancel = timers.after(limitMs, () => {
      tracker.expire();
      conclude();
    });
    for (const node of nodes) {
      void send(node).then((answer) => {
        answers.set(node.label, answer);
        if ((answer.kind === "ok" || answer.kind === "head") && answer.votes) tracker.recordPeerAck(node.label);
        else tracker.recordPeerFailure(node.label);
        conclude();
      });
    }
  });
}
