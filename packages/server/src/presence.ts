// SPDX-License-Identifier: Apache-2.0
import { dispositionOf, statusOf } from "./classify.ts";
import type { LeaderWatch } from "./leader-watch.ts";
import type { NotLeader } from "./not-leader.ts";
import type { Reign } from "./reign.ts";
import type { ServingCore } from "./serving-core.ts";

/** What every leader-only call asks before and after its work. */
export class Presence {
  readonly #core: ServingCore;
  readonly #notLeader: NotLeader;
  readonly #watch: Pick<LeaderWatch, "deposed" | "failed">;

  constructor(core: ServingCore, notLeader: NotLeader, watch: Pick<LeaderWatch, "deposed" | "failed">) {
    this.#core = core;
    this.#notLeader = notLeader;
    this.#watch = watch;
  }

  /** The reign being served. @throws RpcError NOT_LEADER */
  reign(): Reign {
    const { reign } = this.#core;
    if (reign === undefined) throw this.#notLeader.answer();
    return reign;
  }

  /** @throws RpcError NOT_LEADER when the reign is over. */
  still(reign: Reign): void {
    if (reign.ended) throw this.#notLeader.answer();
  }

  /**
   * Whether an answer from memory may be given now: the tenure is looked at after the request came,
   * and a round of confirmation is made where the driver asks for one.
   *
   * @throws RpcError NOT_LEADER, or the status of a confirmation that failed.
   */
  async mayAnswer(reign: Reign): Promise<void> {
    const { confirm } = reign;
    if (confirm !== undefined) {
      const newest = await this.call(reign, "confirm leadership", () => confirm());
      if (newest !== true) this.#watch.deposed(reign.token, undefined);
    }
    if (!reign.mayAnswer()) throw this.#notLeader.answer();
  }

  /**
   * Makes a driver call under a reign and turns its failure into a status, ending the reign or the
   * server where the failure says so.
   *
   * @throws RpcError
   */
  async call<T>(reign: Reign, operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (failure) {
      const disposition = dispositionOf(failure);
      if (disposition.kind === "stepped_down") {
        this.#watch.deposed(reign.token, disposition.fencedBy);
        throw this.#notLeader.answer();
      }
      const status = statusOf(disposition.error, operation);
      // What needs a person ends serving, whichever call meets it; a refusal of this one request does not.
      if (disposition.kind === "permanent" && !reign.ended) this.#watch.failed(disposition.error);
      throw status;
    }
  }
}
