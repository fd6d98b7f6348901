// SPDX-License-Identifier: Apache-2.0
import { StatementFailure } from "./failure.ts";
import type { DriverConfig } from "./options.ts";
import { preflight } from "./preflight.ts";
import { PgSession, type SessionListener } from "./session.ts";

/**
 * Makes sessions that meet all demands, one at a time. Takes the next server of the list after each failure; that
 * none of them is a primary becomes an error for people only after a while, because failing over takes time.
 */
export class Connector {
  readonly #config: DriverConfig;
  #next = 0;
  #standbys: { readonly sinceNs: bigint; readonly count: number } | undefined;
  #opening: PgSession | undefined;

  constructor(config: DriverConfig) {
    this.#config = config;
  }

  /** @throws StatementFailure */
  async open(listenerFor: (session: () => PgSession) => SessionListener): Promise<PgSession> {
    const { targets, identity } = this.#config;
    const target = targets[this.#next % targets.length];
    if (target === undefined) throw new TypeError("there is at least one target");
    let session: PgSession;
    session = new PgSession(
      this.#config,
      target,
      listenerFor(() => session),
    );
    this.#opening = session;
    try {
      await session.connect();
      await preflight(session, this.#config);
      await session.run(`LISTEN "${identity.channel}"`, [], { what: "cannot listen for releases" });
      this.#standbys = undefined;
      return session;
    } catch (error) {
      session.destroy();
      this.#next += 1;
      throw this.#judge(StatementFailure.of(`cannot use ${target.host}:${target.port}`, error, false));
    } finally {
      this.#opening = undefined;
    }
  }

  /** Ends the attempt that is under way, if one is. */
  abandon(): void {
    this.#opening?.destroy();
  }

  #judge(failure: StatementFailure): StatementFailure {
    if (failure.verdict.reason !== "STANDBY") {
      this.#standbys = undefined;
      return failure;
    }
    const nowNs = this.#config.clock.monotonicNs();
    const { sinceNs, count } = this.#standbys ?? { sinceNs: nowNs, count: 0 };
    this.#standbys = { sinceNs, count: count + 1 };
    const isForLong = Number(nowNs - sinceNs) / 1e6 >= this.#config.readOnlyGraceMs;
    if (!isForLong || count + 1 < this.#config.targets.length) return failure;
    return new StatementFailure(
      failure.message,
      { ...failure.verdict, kind: "permanent", alarm: true },
      { sent: false },
    );
  }
}
