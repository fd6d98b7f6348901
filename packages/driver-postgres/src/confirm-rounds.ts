// SPDX-License-Identifier: Apache-2.0
import type { Epoch } from "@tsoracle/core";
import { StatementFailure } from "./failure.ts";
import type { DriverConfig } from "./options.ts";
import { unreplicated } from "./oracle-faults.ts";
import { epochParameters } from "./rows.ts";
import type { PgSession } from "./session.ts";

export interface ConfirmLinks {
  session(): PgSession | undefined;
  onFenced(epoch: Epoch): void;
}

interface Round {
  readonly epoch: Epoch;
  readonly answer: Promise<boolean>;
}

/**
 * Asks the store whether an epoch still reigns. Whoever asks joins the next round to be sent, and nobody joins one under
 * way, because it may have begun before the request arrived (`postgres-redis.md` 2.6).
 */
export class ConfirmRounds {
  readonly #config: DriverConfig;
  readonly #links: ConfirmLinks;
  #next: Round | undefined;

  constructor(config: DriverConfig, links: ConfirmLinks) {
    this.#config = config;
    this.#links = links;
  }

  /** @throws ConsensusError `transient` or `permanent` when the store gave no answer */
  confirm(epoch: Epoch): Promise<boolean> {
    if (this.#next?.epoch === epoch) return this.#next.answer;
    const session = this.#links.session();
    if (session === undefined) return Promise.resolve(false);
    const isOpen = (): boolean => this.#next === round;
    const answer = this.#ask(session, epoch, () => {
      if (isOpen()) this.#next = undefined;
    });
    const round: Round = { epoch, answer };
    this.#next = round;
    return answer;
  }

  /** `close` is called when nobody may join any more. */
  async #ask(session: PgSession, epoch: Epoch, close: () => void): Promise<boolean> {
    const { statements, durability, identity } = this.#config;
    // A primary that was replaced may still answer reads; a write it cannot complete.
    const isWrite = durability === "replicated";
    try {
      const { rows } = await session.run(
        isWrite ? statements.renew : statements.confirm,
        [identity.name, ...epochParameters(epoch)],
        { what: "cannot confirm the reign", isWrite, beforeSend: close },
      );
      if (rows.length > 0) {
        if (isWrite && rows[0]?.["standby_names"] === "") throw unreplicated();
        return true;
      }
    } catch (error) {
      throw StatementFailure.of("cannot confirm the reign", error, true).toConsensusError(false);
    } finally {
      close();
    }
    this.#links.onFenced(epoch);
    return false;
  }
}
