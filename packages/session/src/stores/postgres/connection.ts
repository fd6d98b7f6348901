// SPDX-License-Identifier: Apache-2.0
import { Socket } from "node:net";
import { JournalError } from "@tsoracle/consensus";
import pg from "pg";
import { classifyPostgres, postgresFailure } from "./classify.ts";
import { type PostgresJournalConfig, sessionSettings } from "./options.ts";
import type { PostgresTarget } from "./target.ts";

/** Values as they come: text, bytes of a `bytea`, or null. */
export type Row = Readonly<Record<string, string | Buffer | null>>;
export type SqlValue = string | Uint8Array | boolean | null;

const BYTEA = 17;

/** One connection. One statement at a time; the first failure that makes its state doubtful ends it for good. */
export class Connection {
  readonly #config: PostgresJournalConfig;
  readonly #client: pg.Client;
  readonly #socket = new Socket();
  #isBroken = false;
  #cause: unknown;
  #rejectCurrent: ((error: unknown) => void) | undefined;
  #warnings: string[] = [];

  constructor(config: PostgresJournalConfig, target: PostgresTarget) {
    this.#config = config;
    const settings = Object.entries(sessionSettings(config)).map(
      ([name, value]) => `-c ${name}=${value.replaceAll(" ", "\\ ")}`,
    );
    const bytes = pg.types.getTypeParser(BYTEA) as (text: string) => Buffer;
    this.#client = new pg.Client({
      host: target.host,
      port: target.port,
      database: target.database,
      user: target.user,
      password: target.password,
      ssl: target.ssl,
      enableChannelBinding: target.ssl !== false,
      stream: () => this.#socket,
      keepAlive: true,
      application_name: "tsoracle-journal",
      options: settings.join(" "),
      types: {
        getTypeParser: (oid: number) => (oid === BYTEA ? bytes : (text: string) => text),
      } as unknown as pg.CustomTypesConfig,
    });
    this.#client.on("error", (error) => this.#break(error));
    this.#client.on("end", () => this.#break(new Error("Connection terminated")));
    // Not by its severity, which comes in the language of the server: a mere notice has the code of success in all.
    this.#client.on("notice", ({ code, message }) => {
      if (code !== "00000") this.#warnings.push(message ?? "");
    });
  }

  get isUsable(): boolean {
    return !this.#isBroken;
  }

  /** The process that the server's greeting named; a pooler names one of its own. */
  get processId(): string {
    return String((this.#client as { readonly processID?: number | null }).processID ?? 0);
  }

  /** @throws whatever the library throws */
  connect(limitMs: number): Promise<void> {
    return this.#within(limitMs, async () => {
      await this.#client.connect();
    });
  }

  /**
   * Runs one statement.
   *
   * @param isWrite a write whose answer is missing is `uncertain`, and so is one that the server answered with a warning:
   * it may exist on this server only
   * @throws JournalError
   */
  async run(
    what: string,
    text: string,
    values: readonly SqlValue[],
    limitMs: number,
    isWrite: boolean,
  ): Promise<readonly Row[]> {
    if (this.#isBroken) throw postgresFailure(what, this.#cause, false);
    this.#warnings = [];
    try {
      const sent = values.map((value) => (value instanceof Uint8Array ? asBuffer(value) : value));
      const { rows } = await this.#within(limitMs, () => this.#client.query<Row>({ text, values: sent }));
      if (isWrite && this.#warnings.length > 0) throw warned(what, this.#warnings);
      return rows;
    } catch (error) {
      if (error instanceof JournalError || !classifyPostgres(error).keeps) this.#break(error);
      throw postgresFailure(what, error, isWrite);
    }
  }

  /** Ends it at once, without a word to the server. Idempotent. */
  destroy(): void {
    this.#break(new Error("the connection was closed by this process"));
  }

  async #within<T>(limitMs: number, exchange: () => Promise<T>): Promise<T> {
    const given = new Promise<never>((_resolve, reject) => {
      this.#rejectCurrent = reject;
    });
    let isOver = false;
    const cancel = this.#config.timers.after(limitMs, () => {
      // After a stall of this process the answer may be here already, unread; one turn of the loop reads it.
      setImmediate(() => {
        if (isOver) return;
        const late = new Error(`no answer within ${Math.round(limitMs)} ms`);
        this.#break(Object.assign(late, { code: "ETIMEDOUT" }));
      });
    });
    try {
      return await Promise.race([exchange(), given]);
    } finally {
      isOver = true;
      cancel();
      this.#rejectCurrent = undefined;
    }
  }

  #break(cause: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#cause = cause;
    this.#socket.destroy();
    this.#rejectCurrent?.(cause);
  }
}

function warned(what: string, warnings: readonly string[]): JournalError {
  return new JournalError(
    "uncertain",
    `${what}: the server answered with a warning: ${warnings.join("; ")}; the write may exist on this server only: see to its standby`,
  );
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
