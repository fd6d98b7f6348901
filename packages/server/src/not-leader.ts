// SPDX-License-Identifier: Apache-2.0
import type { LeaderHint } from "@tsoracle/core";
import { encodeLeaderHint } from "@tsoracle/proto";
import type { ServerMetrics } from "./metrics.ts";
import type { StateCell } from "./serving-state.ts";
import { Code, RpcError } from "./status.ts";

/**
 * The one place where a NOT_LEADER answer is made (`tsoracle-behaviour.md` 3.4), so that each is
 * counted once. Call it once per rejection.
 */
export class NotLeader {
  readonly #state: StateCell;
  readonly #metrics: ServerMetrics;

  constructor(state: StateCell, metrics: ServerMetrics) {
    this.#state = state;
    this.#metrics = metrics;
  }

  /** The status with what is published about the leader; nothing is known while this node serves itself. */
  answer(): RpcError {
    this.#metrics.add("tsoracle.not_leader.total");
    const state = this.#state.current;
    const hint: LeaderHint =
      state.kind === "serving" ? {} : { leaderEndpoint: state.leaderEndpoint, leaderEpoch: state.leaderEpoch };
    return new RpcError(Code.FAILED_PRECONDITION, "not leader", encodeLeaderHint(hint));
  }
}
