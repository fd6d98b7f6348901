// SPDX-License-Identifier: Apache-2.0
import type { Epoch } from "@tsoracle/core";
import type { DriverConfig } from "./options.ts";
import { epochParameters } from "./rows.ts";
import type { PgSession, Reply } from "./session.ts";

/** What a process says in the store of a reign of its own that has stopped granting and owed no wait. */
export class LastWords {
  readonly #config: DriverConfig;
  readonly #holder: string;

  constructor(config: DriverConfig, holder: string) {
    this.#config = config;
    this.#holder = holder;
  }

  /** Marks the reign clean and lets the others hear of it. @throws StatementFailure */
  async ofReleased(session: PgSession, epoch: Epoch): Promise<void> {
    await this.#clean(session, epoch);
    await this.#announce(session);
  }

  /**
   * As {@link ofReleased}, by another session than the reign's. A successor that waits already hears that it need not. The
   * old session may be alive at the server, if nobody told it that its connection is dead: it is this process's own, and
   * all that it does is hold the lock, so it is ended.
   *
   * @param pid the server's process of the old session
   * @throws StatementFailure
   */
  async ofLost(session: PgSession, epoch: Epoch, pid: string): Promise<Reply> {
    const { statements, identity, log } = this.#config;
    const reply = await this.#clean(session, epoch);
    const [row] = reply.rows;
    if (row !== undefined && row["epoch_lo"] !== epochParameters(epoch)[1]) await this.#announce(session);
    const own = [identity.lockKey, identity.applicationName, pid];
    const { rows } = await session.run(statements.evictOne, own, { what: "cannot end the lost session" });
    if (rows.length > 0) log.info({ oracle: identity.name }, "ended the lost session, which still held the lock");
    return reply;
  }

  #clean(session: PgSession, epoch: Epoch): Promise<Reply> {
    const { statements, identity } = this.#config;
    const values = [identity.name, ...epochParameters(epoch), this.#holder];
    return session.run(statements.clean, values, { what: "cannot mark the reign as over", isWrite: true });
  }

  #announce(session: PgSession): Promise<Reply> {
    const { statements, identity } = this.#config;
    return session.run(statements.announce, [identity.channel], { what: "cannot announce the release" });
  }
}
