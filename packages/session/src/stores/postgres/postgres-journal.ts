// SPDX-License-Identifier: Apache-2.0
import {
  type CallOptions,
  Calls,
  type CreateJournalOptions,
  checkJournalEntry,
  checkJournalFence,
  checkJournalFrom,
  checkJournalId,
  checkJournalSeq,
  checkJournalSnapshot,
  checkJournalTs,
  type FencedJournal,
  type JournalCreation,
  JournalError,
  type JournalFence,
  type JournalHead,
  type JournalLimits,
  type JournalState,
  type JournalTakeoverOptions,
  type JournalWrite,
  journalRefusal,
  type PutSnapshotOptions,
} from "@tsoracle/consensus";
import type { Connection, Row, SqlValue } from "./connection.ts";
import type { PostgresJournalConfig } from "./options.ts";
import { ConnectionPool } from "./pool.ts";
import { readHead, readState } from "./rows.ts";
import { type JournalStatements, statementsFor } from "./statements.ts";

/** More often than this nobody is overtaken between a refusal and the look at its reason. */
const MAX_LOOKS = 16;

/**
 * Journals in three tables. The condition of a write stands in the statement that writes and is judged under the lock of
 * the session's row; a refused one is looked at afterwards only to say why. Epochs never go back, so that what is
 * found then explains the refusal: if it does not, the session has moved on meanwhile and the write is tried again.
 */
export class PostgresJournal implements FencedJournal {
  readonly name = "postgres";
  readonly limits: JournalLimits;
  readonly #pool: ConnectionPool;
  readonly #sql: JournalStatements;
  readonly #calls = new Calls(() => new JournalError("closed", "this Postgres journal was disposed; open another"));
  #disposal: Promise<void> | undefined;

  constructor(config: PostgresJournalConfig, sql: JournalStatements = statementsFor(config.schema)) {
    this.limits = config.limits;
    this.#pool = new ConnectionPool(config);
    this.#sql = sql;
  }

  /** Makes one connection, so that what is wrong with the server or the tables is told now. @throws JournalError */
  async probe(): Promise<void> {
    await this.#pool.use(() => Promise.resolve());
  }

  load(id: string, options?: CallOptions): Promise<JournalState> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      return await this.#pool.use(async (connection, leftMs) => {
        const rows = await connection.run("cannot load a session", this.#sql.load, [key], leftMs(), false);
        const state = readState(key, rows);
        if (state === undefined) throw unknown(key);
        return state;
      });
    });
  }

  createIfAbsent(id: string, fence: JournalFence, options?: CreateJournalOptions): Promise<JournalCreation> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const first = options?.snapshot;
      const snapshot = first === undefined ? undefined : checkJournalSnapshot(first, this.limits);
      return await this.#pool.use(async (connection, leftMs) => {
        const values = [key, String(owner.epoch), owner.owner, snapshot ?? null];
        const [made] = await connection.run("cannot create a session", this.#sql.create, values, leftMs(), true);
        if (made !== undefined) return { created: true, ...readHead(key, made) };
        const head = await this.#head(connection, key, leftMs());
        if (head === undefined) throw new JournalError("permanent", `session ${JSON.stringify(key)} was deleted`);
        return { created: false, ...head };
      });
    });
  }

  takeover(id: string, fence: JournalFence, options?: JournalTakeoverOptions): Promise<JournalHead> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const from = checkJournalFrom(options);
      const values = [key, String(owner.epoch), owner.owner, from === undefined ? null : String(from)];
      return await this.#pool.use(async (connection, leftMs) => {
        for (let look = 0; look < MAX_LOOKS; look += 1) {
          const [taken] = await connection.run("cannot take over", this.#sql.takeover, values, leftMs(), true);
          if (taken !== undefined) return readHead(key, taken);
          const head = await this.#head(connection, key, leftMs());
          const refusal = journalRefusal(key, head, { kind: "takeover", fence: owner, from });
          if (refusal !== undefined || head === undefined) throw refusal ?? unknown(key);
          // Its own already. Otherwise the epoch to take over from came only after the statement.
          if (head.fence.epoch === owner.epoch) return head;
        }
        throw movedOn(key);
      });
    });
  }

  append(
    id: string,
    fence: JournalFence,
    seq: number,
    entry: Uint8Array,
    ts: bigint,
    options?: CallOptions,
  ): Promise<void> {
    return this.#write(id, fence, options, (owner) => {
      const number = checkJournalSeq(seq, 1);
      const rest = [String(number), String(checkJournalTs(ts)), checkJournalEntry(entry, this.limits)];
      return { text: this.#sql.append, rest, write: { kind: "append", fence: owner, seq: number } };
    });
  }

  putSnapshot(
    id: string,
    fence: JournalFence,
    seq: number,
    bytes: Uint8Array,
    options?: PutSnapshotOptions,
  ): Promise<void> {
    return this.#write(id, fence, options, (owner) => {
      const number = checkJournalSeq(seq, 0);
      const ahead = options?.ahead ?? false;
      const rest = [String(number), checkJournalSnapshot(bytes, this.limits), ahead];
      return { text: this.#sql.snapshot, rest, write: { kind: "snapshot", fence: owner, seq: number, ahead } };
    });
  }

  truncateThrough(id: string, fence: JournalFence, seq: number, options?: CallOptions): Promise<void> {
    return this.#write(id, fence, options, (owner) => {
      const number = checkJournalSeq(seq, 0);
      return {
        text: this.#sql.truncate,
        rest: [String(number)],
        write: { kind: "truncate", fence: owner, seq: number },
      };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#calls.close().then(() => this.#pool.close());
    return this.#disposal;
  }

  #write(
    id: string,
    fence: JournalFence,
    options: CallOptions | undefined,
    prepare: (owner: JournalFence) => {
      readonly text: string;
      readonly rest: readonly SqlValue[];
      readonly write: JournalWrite;
    },
  ): Promise<void> {
    return this.#calls.run(options, async () => {
      const key = checkJournalId(id);
      const owner = checkJournalFence(fence);
      const { text, rest, write } = prepare(owner);
      const values = [key, String(owner.epoch), owner.owner, ...rest];
      await this.#pool.use(async (connection, leftMs) => {
        for (let look = 0; look < MAX_LOOKS; look += 1) {
          const done: readonly Row[] = await connection.run(`cannot ${write.kind}`, text, values, leftMs(), true);
          if (done.length > 0) return;
          const refusal = journalRefusal(key, await this.#head(connection, key, leftMs()), write);
          if (refusal !== undefined) throw refusal;
        }
        throw movedOn(key);
      });
    });
  }

  async #head(connection: Connection, id: string, limitMs: number): Promise<JournalHead | undefined> {
    const [row] = await connection.run("cannot look at a session", this.#sql.head, [id], limitMs, false);
    return row === undefined ? undefined : readHead(id, row);
  }
}

function movedOn(id: string): JournalError {
  return new JournalError(
    "transient",
    `session ${JSON.stringify(id)} changed ${MAX_LOOKS} times while this write was tried; nothing was written`,
  );
}

function unknown(id: string): JournalError {
  return new JournalError("unknown_session", `there is no journal of session ${JSON.stringify(id)}; create it first`);
}
