// SPDX-License-Identifier: Apache-2.0
import { ConsensusError } from "@tsoracle/consensus";
import type { StatementFailure } from "./failure.ts";
import type { PgSession } from "./session.ts";
import { after } from "./timers.ts";

interface Waiter {
  resolve(session: PgSession): void;
  reject(error: ConsensusError): void;
}

/** The session that calls may use, if there is one; who wants it waits here for a bounded time. */
export class SessionGate {
  readonly #patienceMs: number;
  readonly #waiters = new Set<Waiter>();
  #current: PgSession | undefined;
  #failure: StatementFailure | undefined;
  #endFirst: (failure: StatementFailure | undefined) => void = () => {};
  /** How the first attempt to connect ended: with a failure, or with none. */
  readonly firstAttempt: Promise<StatementFailure | undefined>;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
    this.firstAttempt = new Promise((resolve) => {
      this.#endFirst = resolve;
    });
  }

  get current(): PgSession | undefined {
    return this.#current;
  }

  admit(session: PgSession): void {
    this.#current = session;
    this.#failure = undefined;
    this.#endFirst(undefined);
    for (const waiter of this.#take()) waiter.resolve(session);
  }

  /** There is no session, or it is doubtful; those who wait learn why only if it will not pass. */
  failed(failure: StatementFailure): void {
    this.#failure = failure;
    this.#endFirst(failure);
    if (!failure.isPermanent) return;
    for (const waiter of this.#take()) waiter.reject(failure.toConsensusError(false));
  }

  /** Gives the session up. */
  drop(): void {
    this.#current?.destroy();
    this.#current = undefined;
  }

  close(): void {
    for (const waiter of this.#take()) {
      waiter.reject(new ConsensusError("transient", "the driver was disposed before it had a connection"));
    }
  }

  /** @throws ConsensusError `transient` after a while without a session, `permanent` when a person is needed */
  ready(): Promise<PgSession> {
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    if (this.#failure?.isPermanent === true) return Promise.reject(this.#failure.toConsensusError(false));
    return new Promise((resolve, reject) => {
      const cancel = after(this.#patienceMs, () => {
        this.#waiters.delete(waiter);
        const why = this.#failure === undefined ? "still connecting" : this.#failure.message;
        reject(new ConsensusError("transient", `no connection to the server within ${this.#patienceMs} ms: ${why}`));
      });
      const waiter: Waiter = {
        resolve: (session) => {
          cancel();
          resolve(session);
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  #take(): readonly Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    return waiters;
  }
}
