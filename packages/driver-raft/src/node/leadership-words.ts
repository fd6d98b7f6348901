// SPDX-License-Identifier: Apache-2.0
import type { Leadership } from "./replica-host.ts";

/** For the log. */
export function inWords(state: Leadership): string {
  switch (state.role) {
    case "leader":
      return `this node leads in term ${state.term}`;
    case "follower":
      return `this node follows node ${state.leader} in term ${state.term}`;
    case "unknown":
      return `nobody is known to lead in term ${state.term}`;
    default:
      return state satisfies never;
  }
}
