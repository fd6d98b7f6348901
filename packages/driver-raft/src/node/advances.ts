// SPDX-License-Identifier: Apache-2.0
import type { Epoch, PhysicalMs } from "@tsoracle/core";
import type { Refusal, ReplicaHost } from "./replica-host.ts";

interface Merged {
  readonly epoch: Epoch;
  readonly atLeast: PhysicalMs;
  readonly ids: readonly number[];
}

/** Puts one entry into the log for all these requests, and returns its index; a refusal says that nothing was proposed. */
type Append = (epoch: Epoch, atLeast: PhysicalMs, ids: readonly number[]) => number | Refusal;

/**
 * Advances of the high-water: one is in the log, and whatever is asked meanwhile is merged by maximum
 * into the next (S5). A natural group commit, which bounds the log and the memory.
 */
export class Advances {
  readonly #append: Append;
  readonly #host: Pick<ReplicaHost, "answered">;
  /** Index of the one that is in the log and not applied yet. */
  #inLog: number | undefined;
  #waiting: Merged | undefined;

  constructor(append: Append, host: Pick<ReplicaHost, "answered">) {
    this.#append = append;
    this.#host = host;
  }

  ask(id: number, epoch: Epoch, atLeast: PhysicalMs): void {
    const waiting = this.#waiting;
    this.#waiting =
      waiting === undefined
        ? { epoch, atLeast, ids: [id] }
        : { epoch, atLeast: atLeast > waiting.atLeast ? atLeast : waiting.atLeast, ids: [...waiting.ids, id] };
  }

  /** Proposes what waits, unless one is in the log. */
  propose(): void {
    const next = this.#waiting;
    if (this.#inLog !== undefined || next === undefined) return;
    this.#waiting = undefined;
    const appended = this.#append(next.epoch, next.atLeast, next.ids);
    if (typeof appended === "number") this.#inLog = appended;
    else this.#refuse(next, appended);
  }

  /** Everything up to `index` was applied; if the advance was in it, the next may follow. */
  applied(index: number): void {
    if (this.#inLog !== undefined && this.#inLog <= index) this.#inLog = undefined;
  }

  /** What waits was never proposed. */
  reignOver(): void {
    this.#inLog = undefined;
    const next = this.#waiting;
    this.#waiting = undefined;
    if (next !== undefined) {
      this.#refuse(next, { code: "not_leader", message: "leadership was lost before anything was proposed" });
    }
  }

  #refuse({ ids }: Merged, refusal: Refusal): void {
    for (const id of ids) this.#host.answered(id, { ok: false, refusal });
  }
}
