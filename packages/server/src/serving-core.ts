// SPDX-License-Identifier: Apache-2.0
import { invariant, type LeaderHint } from "@tsoracle/core";
import { Reign, type ReignStart } from "./reign.ts";
import { StateCell } from "./serving-state.ts";

/**
 * The one owner of what is served and what is published about it. Both change together, in one
 * synchronous turn: whoever reads "serving" finds a reign, and whoever finds a reign may use it.
 */
export class ServingCore {
  readonly state: StateCell = new StateCell();
  #reign: Reign | undefined;

  /** The reign being served, or undefined. */
  get reign(): Reign | undefined {
    return this.#reign;
  }

  /** Starts to serve. */
  serve(start: ReignStart): Reign {
    invariant(this.#reign === undefined, "a reign begins after the last one was cleared");
    const reign = new Reign(start);
    this.#reign = reign;
    this.state.publish({ kind: "serving", epoch: reign.epoch });
    return reign;
  }

  /** Stops serving: the reign is over before anybody is told. Idempotent. */
  clear(hint: LeaderHint): void {
    this.#reign?.end();
    this.#reign = undefined;
    this.state.publish({ kind: "not_serving", leaderEndpoint: hint.leaderEndpoint, leaderEpoch: hint.leaderEpoch });
  }
}
