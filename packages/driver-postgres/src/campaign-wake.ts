// SPDX-License-Identifier: Apache-2.0
import type { CampaignState } from "./campaign-protocol.ts";
import type { Pace } from "./pace.ts";

/** When a campaign needs to be told the time, at the latest; undefined while it awaits an answer. */
export function wakeAtNs(state: CampaignState, pace: Pace): bigint | undefined {
  switch (state.phase) {
    case "disconnected":
      return state.retryAtNs;
    case "following":
      return state.pollAtNs;
    case "waiting":
      return earliest(state.renewAtNs, state.reign.wait.deadlineNs);
    case "leading":
      return earliest(state.renewAtNs, state.renewedNs + pace.usableNs);
    case "suspended":
      return earliest(state.renewAtNs, state.renewedNs + pace.stepDownAfterNs);
    case "connecting":
    case "cleaning":
    case "polling":
    case "evicting":
    case "bumping":
    case "releasing":
    case "stopped":
      return undefined;
    default:
      return state satisfies never;
  }
}

export function earliest(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a;
}
