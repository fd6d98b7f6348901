// SPDX-License-Identifier: Apache-2.0
import type { AckTrackerOptions, QuorumFailureReason, QuorumPolicy } from "../src/index.ts";

/** What can be told to a tracker. */
export type TrackerEvent =
  | { readonly kind: "local" }
  | { readonly kind: "ack"; readonly id: string; readonly at: number }
  | { readonly kind: "drift"; readonly id: string }
  | { readonly kind: "failure"; readonly id: string }
  | { readonly kind: "expire" };

export interface TrackerView {
  readonly got: number;
  readonly foreign: number;
  readonly late: number;
  readonly drifts: number;
  readonly isMet: boolean;
  readonly isTerminal: boolean;
  readonly verdict: number | "local_write_failed" | QuorumFailureReason;
}

/**
 * The rules of `fencing-quorum-sessions.md` 2.3, each read off the whole list of events every time. Nothing
 * is remembered, and nothing is fast.
 */
export function trackerModel(
  policy: QuorumPolicy,
  start: number,
  options: AckTrackerOptions & { readonly members?: readonly string[] },
  events: readonly TrackerEvent[],
  now: number,
): TrackerView {
  const deadline = start + policy.ackTimeoutMs;
  const needsLocal = options.localVote !== "none";
  const mayVote = (id: string): boolean =>
    id !== options.localId && (options.members === undefined || options.members.includes(id));
  const inTime = (at: number): boolean => options.strictDeadline !== true || at <= deadline;
  const acks = events.filter((event) => event.kind === "ack");
  const ids = [...new Set(events.flatMap((event) => ("id" in event ? [event.id] : [])))].filter(mayVote);
  const said = (id: string, kind: TrackerEvent["kind"]): boolean =>
    events.some((event) => event.kind === kind && "id" in event && event.id === id);
  const ackedInTime = (id: string): boolean => acks.some((ack) => ack.id === id && inTime(ack.at));

  const local = events.some(({ kind }) => kind === "local");
  const voters = ids.filter((id) => ackedInTime(id) && !said(id, "drift"));
  const drifted = ids.filter((id) => said(id, "drift"));
  const got = voters.length + (needsLocal && local ? 1 : 0);
  const decided = ids.filter((id) => said(id, "ack") || said(id, "drift") || said(id, "failure"));
  const undecided = Math.max(policy.n - (needsLocal ? 1 : 0) - decided.length, 0);
  const possible = got + undecided + (needsLocal && !local ? 1 : 0) >= policy.w;
  const isTerminal = now > deadline || events.some(({ kind }) => kind === "expire") || !possible;
  const reason = (): QuorumFailureReason => {
    if (!isTerminal) return "in_flight";
    if (got + drifted.length >= policy.w) return "id_drift";
    return ids.some((id) => said(id, "ack")) ? "timeout" : "unreachable";
  };
  return {
    got,
    foreign: acks.filter(({ id }) => !mayVote(id)).length,
    late: ids.filter((id) => said(id, "ack") && !ackedInTime(id)).length,
    drifts: events.filter(({ kind }) => kind === "drift").length,
    isMet: (!needsLocal || local) && now <= deadline && got >= policy.w,
    isTerminal,
    verdict: needsLocal && !local ? "local_write_failed" : got >= policy.w ? got : reason(),
  };
}
