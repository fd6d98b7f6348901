// SPDX-License-Identifier: Apache-2.0
// The predicates of the TLA+ specification (`raft.md` 11.3) that compare all nodes. LogInv and LogMatchingInv are in
// commit-order.ts and log-matching.ts, MoreThanOneLeaderInv in leaders.ts.
import type { Shadow } from "../shadow.ts";
import { hold } from "../violation.ts";
import { quorumsIntersect } from "./membership.ts";

/** What the predicates see of one node. */
export interface NodeView {
  readonly id: number;
  readonly shadow: Shadow;
  term: number;
  commit: number;
  applied: number;
  leads: boolean;
  /** Voters of the active configuration. */
  voters: ReadonlySet<number>;
}

/** ElectionSafetyInv: no log reaches further in a leader's term than the leader's own. */
export function leaderHasMostOfItsTerm(leader: NodeView, views: Iterable<NodeView>): void {
  if (!leader.leads || leader.shadow.lastTerm !== leader.term) return;
  for (const { id, shadow } of views) {
    if (shadow.lastTerm !== leader.term) continue;
    hold(
      shadow.lastIndex <= leader.shadow.lastIndex,
      "ElectionSafetyInv",
      () => `node ${id} has entry ${shadow.lastIndex} of term ${leader.term}, its leader ${leader.id} ends before`,
    );
  }
}

/** QuorumLogInv: in every quorum of a node's configuration somebody holds all that the node calls committed. */
export function everyQuorumHoldsTheCommitted(view: NodeView, views: ReadonlyMap<number, NodeView>): void {
  if (view.voters.size === 0) return;
  const without = new Set<number>();
  for (const id of view.voters) {
    const other = views.get(id);
    if (other === undefined || other.shadow.agreed < view.commit) without.add(id);
  }
  // A quorum of those that lack it, if they are that many.
  const majority = Math.floor(view.voters.size / 2) + 1;
  hold(
    without.size < majority,
    "QuorumLogInv",
    () => `entry ${view.commit}, committed at node ${view.id}, is missing on nodes ${[...without].join(", ")}`,
  );
}

/** MoreUpToDateCorrectInv: whoever has a log as good as another's holds everything that the other calls committed. */
export function upToDateMeansComplete(a: NodeView, b: NodeView): void {
  const [x, y] = [a.shadow, b.shadow];
  const better = x.lastTerm > y.lastTerm || (x.lastTerm === y.lastTerm && x.lastIndex >= y.lastIndex);
  hold(
    !better || x.agreed >= Math.min(b.commit, y.lastIndex),
    "MoreUpToDateCorrectInv",
    () =>
      `node ${a.id} is as up to date as node ${b.id}, but has only ${x.agreed} of its ${b.commit} committed entries`,
  );
}

/** LeaderCompletenessInv and invariant 5: a leader holds everything that was committed in terms before its own. */
export function leaderIsComplete(leader: NodeView, committedBefore: number): void {
  hold(
    !leader.leads || leader.shadow.agreed >= committedBefore,
    "5",
    () =>
      `node ${leader.id} leads term ${leader.term} with ${leader.shadow.agreed} of ${committedBefore} committed entries`,
  );
}

/** CommittedIsDurableInv and invariant 7: what is committed is on the disks of a quorum, and on the leader's own. */
export function commitIsDurable(
  leader: NodeView,
  index: number,
  configs: readonly ReadonlySet<number>[],
  views: ReadonlyMap<number, NodeView>,
): void {
  const term = leader.shadow.termAt(index);
  hold(
    term !== undefined && index <= leader.shadow.lastIndex,
    "7",
    () => `leader ${leader.id} commits entry ${index}, its own disk ends at ${leader.shadow.lastIndex}`,
  );
  const isDurable = (voters: ReadonlySet<number>): boolean => {
    const holders = new Set([...voters].filter((id) => views.get(id)?.shadow.holds(index, term) === true));
    return holders.size > voters.size / 2 && quorumsIntersect(voters, voters);
  };
  hold(configs.some(isDurable), "7", () => `leader ${leader.id} commits entry ${index}, which no quorum has on disk`);
}
