// SPDX-License-Identifier: Apache-2.0
import type { LeaderState } from "@tsoracle/consensus";
import type { PeerEndpoint } from "@tsoracle/core";

/** How many members say that they follow each endpoint. */
function followed(states: readonly LeaderState[]): ReadonlyMap<PeerEndpoint, number> {
  const counts = new Map<PeerEndpoint, number>();
  for (const state of states) {
    if (state.role !== "follower" || state.leaderEndpoint === undefined) continue;
    counts.set(state.leaderEndpoint, (counts.get(state.leaderEndpoint) ?? 0) + 1);
  }
  return counts;
}

/** The endpoint that W members name as their leader, if they agree. */
export function agreedLeader(states: readonly LeaderState[], w: number): PeerEndpoint | undefined {
  return [...followed(states)].find(([, count]) => count >= w)?.[0];
}

/**
 * Whether a node that leads some members, but not W, should hand them over: another leads more, or as many under a
 * smaller name. One node at most thinks itself the favourite if all see the same, so that the others make room for it.
 */
export function shouldYield(states: readonly LeaderState[], own: PeerEndpoint | undefined): boolean {
  const led = states.filter(({ role }) => role === "leader").length;
  if (led === 0) return false;
  return [...followed(states)].some(
    ([endpoint, count]) => count > led || (count === led && own !== undefined && endpoint < own),
  );
}
