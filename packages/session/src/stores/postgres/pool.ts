// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import { postgresFailure } from "./classify.ts";
import { Connection } from "./connection.ts";
import type { PostgresJournalConfig } from "./options.ts";
import { preflight } from "./preflight.ts";

interface Waiter {
  readonly give: (connection: Connection | undefined) => void;
  readonly refuse: (error: JournalError) => void;
}

const MAX_WAITING = 1_024;

/** A bounded number of connections that meet all demands, and a bounded queue of calls for them. */
export class ConnectionPool {
  readonly #config: PostgresJournalConfig;
  readonly #idle: Connection[] = [];
  readonly #waiting: Waiter[] = [];
  readonly #open = new Set<Connection>();
  #busy = 0;
  #next = 0;
  #isClosed = false;

  constructor(config: PostgresJournalConfig) {
    this.#config = config;
  }

  /**
   * Lends a connection to `work`, which says how long it may still take.
   *
   * @throws JournalError: `transient` when none is free or can be made in time; else whatever `work` throws
   */
  async use<T>(work: (connection: Connection, leftMs: () => number) => Promise<T>): Promise<T> {
    const { timers, callTimeoutMs } = this.#config;
    const deadline = timers.monotonicMs() + callTimeoutMs;
    const leftMs = (): number => Math.max(1, deadline - timers.monotonicMs());
    const connection = await this.#acquire(leftMs);
    try {
      return await work(connection, leftMs);
    } finally {
      this.#release(connection);
    }
  }

  /** Ends every connection. Calls under way were waited for by the caller. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
  }

  async #acquire(leftMs: () => number): Promise<Connection> {
    let connection: Connection | undefined;
    if (this.#busy < this.#config.maxConnections) {
      this.#busy += 1;
      connection = this.#takeIdle();
    } else {
      connection = await this.#wait(leftMs());
    }
    if (connection !== undefined) return connection;
    try {
      return await this.#connect(leftMs);
    } catch (error) {
      this.#handOn(undefined);
      throw error;
    }
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isUsable) return connection;
      this.#open.delete(connection);
    }
  }

  #wait(limitMs: number): Promise<Connection | undefined> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new JournalError("transient", `${MAX_WAITING} calls wait for a connection already; nothing was written`);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        give: (connection) => {
          cancel();
          resolve(connection);
        },
        refuse: reject,
      };
      const cancel = this.#config.timers.after(limitMs, () => {
        const index = this.#waiting.indexOf(waiter);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        waiter.refuse(
          new JournalError(
            "transient",
            `no connection became free within ${Math.round(limitMs)} ms; nothing was written. Raise maxConnections, or see what keeps the server busy`,
          ),
        );
      });
      this.#waiting.push(waiter);
    });
  }

  #release(connection: Connection): void {
    if (connection.isUsable && !this.#isClosed) this.#handOn(connection);
    else {
      connection.destroy();
      this.#open.delete(connection);
      this.#handOn(undefined);
    }
  }

  /** The right to a connection, and the connection itself if it is whole, go to whoever waits longest. */
  #handOn(connection: Connection | undefined): void {
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) waiter.give(connection);
    else {
      this.#busy -= 1;
      if (connection !== undefined) this.#idle.push(connection);
    }
  }

  /** Takes the next server of the list after each failure. */
  async #connect(leftMs: () => number): Promise<Connection> {
    const { targets } = this.#config;
    let failure: unknown;
    for (let tries = 0; tries < targets.length; tries += 1) {
      const target = targets[this.#next % targets.length];
      if (target === undefined) break;
      const connection = new Connection(this.#config, target);
      this.#open.add(connection);
      const what = `cannot use ${target.host}:${target.port}`;
      try {
        const shareMs = leftMs() / (targets.length - tries);
        await connection.connect(shareMs);
        await preflight(connection, this.#config, leftMs());
        return connection;
      } catch (error) {
        connection.destroy();
        this.#open.delete(connection);
        this.#next += 1;
        // A standby says less than a primary that is misconfigured.
        const said = postgresFailure(what, error, false);
        if (!(failure instanceof JournalError && failure.code === "permanent")) failure = said;
      }
    }
    throw failure;
  }
}
