// SPDX-License-Identifier: Apache-2.0
import type { PersistenceBackend } from "../../backend.ts";
import { jsonApplication } from "../../manager/application.ts";
import type { OwnedSession } from "../../manager/owned-session.ts";
import type { SessionEvent } from "../../manager/session-event.ts";
import { SessionManager } from "../../manager/session-manager.ts";
import { SessionManagerError } from "../../manager/session-manager-error.ts";
import { plainTokens } from "../../token.ts";
import type { CertificationOptions, CertifiedStore } from "./certified-store.ts";

/** A session whose state is the sum of its entries, so that state and counter of the model must be the same. */
const sums = jsonApplication<number, number>({ initial: () => 0, apply: (sum, delta) => sum + delta });

export type SumSession = OwnedSession<number, number>;

export interface WorldOptions {
  readonly backend: PersistenceBackend;
  readonly continuitySloMs?: number;
  readonly maxDataLossEvents?: number;
}

/**
 * Nodes over a real store, with an oracle and a clock that a scenario moves: two evaluations in which the same happens
 * say the same, to the millisecond.
 */
export class CertifiedWorld {
  readonly id: string;
  readonly events: SessionEvent[] = [];
  nowMs = 1_000;
  #minted = 0n;
  readonly #store: CertifiedStore;
  readonly #managers: SessionManager<number, number>[] = [];

  constructor(store: CertifiedStore, { runId }: CertificationOptions, name: string) {
    this.id = `${runId}.${name}`;
    this.#store = store;
  }

  /** The next epochs are above this. */
  epochsAbove(epoch: bigint): void {
    this.#minted = epoch;
  }

  async manager(node: number, name: string, options: WorldOptions): Promise<SessionManager<number, number>> {
    const manager = new SessionManager<number, number>({
      journal: await this.#store.journal(node),
      timestamps: async () => {
        this.#minted += 1n;
        return this.#minted;
      },
      node: name,
      tokens: plainTokens,
      application: sums,
      continuitySloMs: 250,
      maxDataLossEvents: 2,
      clock: { nowMs: () => this.nowMs },
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    this.#managers.push(manager);
    return manager;
  }

  /** Adds entries, ten milliseconds after each other. */
  async add(session: SumSession, ...deltas: readonly number[]): Promise<void> {
    for (const delta of deltas) {
      this.nowMs += 10;
      await session.append(delta, { delta });
    }
  }

  /** A text of a session without what differs from run to run. */
  anonymous(text: string): string {
    return text.replaceAll(this.id, "matrix");
  }

  /** Nothing of this world goes on. */
  end(): void {
    for (const manager of this.#managers) for (const session of manager.sessions) session.abandon();
  }
}

/** What a call was refused with, by the frozen label where the model has one; `accepted` if it was not refused. */
export async function answerOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "accepted";
  } catch (error) {
    if (error instanceof SessionManagerError) return error.code;
    const code = (error as { readonly code?: unknown } | null)?.code;
    return typeof code === "string" ? code : String(error);
  }
}
