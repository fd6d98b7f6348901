// SPDX-License-Identifier: Apache-2.0
import { Socket } from "node:net";
import { ConsensusError } from "@tsoracle/consensus";
import pg from "pg";
import { StatementFailure } from "./failure.ts";
import { type OracleIdentity, oracleIdentity } from "./oracle-name.ts";
import type { Row } from "./session.ts";
import { checkSchema } from "./statements.ts";
import { type PostgresTarget, parseTargets, type TargetOptions } from "./target.ts";
import { after } from "./timers.ts";

/** Which oracle an operator means, and as whom to connect: the owner of the tables, not the role of the servers. */
export interface AdminOptions extends TargetOptions {
  readonly oracle: string;
  /** @defaultValue "tso" */
  readonly schema?: string | undefined;
}

export interface CheckedAdminOptions {
  readonly identity: OracleIdentity;
  readonly schema: string;
  readonly target: PostgresTarget;
}

const ADMIN_TIMEOUT_MS = 10_000;

/** @throws ConsensusError `permanent` */
export function checkAdminOptions(options: AdminOptions): CheckedAdminOptions {
  const [target] = parseTargets(options);
  if (target === undefined) throw new TypeError("parseTargets returns at least one");
  return { identity: oracleIdentity(options.oracle), schema: checkSchema(options.schema ?? "tso"), target };
}

/** Beyond the server's own limit, which does not end a wait for replication. */
const ADMIN_PATIENCE_MS = ADMIN_TIMEOUT_MS + 1_000;

/** Runs statements for an operator; each is answered within some ten seconds or fails. */
export class AdminSession implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #socket: Socket = new Socket();
  #warnings: string[] = [];

  private constructor(target: PostgresTarget) {
    this.#client = new pg.Client({
      host: target.host,
      port: target.port,
      database: target.database,
      user: target.user,
      password: target.password,
      ssl: target.ssl,
      enableChannelBinding: target.ssl !== false,
      application_name: "tsoracle-admin",
      connectionTimeoutMillis: ADMIN_TIMEOUT_MS,
      stream: () => this.#socket,
      options:
        "-c synchronous_commit=on -c default_transaction_read_only=off -c search_path=pg_catalog " +
        "-c client_min_messages=warning",
      statement_timeout: ADMIN_TIMEOUT_MS,
      types: { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig,
    });
    // What ends the connection fails the statement under way, or the next one.
    this.#client.on("error", () => {});
    this.#client.on("notice", ({ code, message }) => {
      if (code !== "00000") this.#warnings.push(message ?? "");
    });
  }

  /** @throws ConsensusError */
  static async open({ target }: CheckedAdminOptions): Promise<AdminSession> {
    const session = new AdminSession(target);
    await session.#judged(`cannot connect to ${target.host}:${target.port}`, () => session.#client.connect());
    return session;
  }

  /**
   * @throws ConsensusError, `permanent` unless the failure may pass; `uncertain` when the server was slow, or said that it
   * is done but not replicated
   */
  async run(what: string, text: string, values: readonly (string | null)[] = []): Promise<readonly Row[]> {
    this.#warnings = [];
    const rows = await this.#judged(what, async () => {
      // Without values it goes as one message, which may hold several statements: all of them or none.
      const result =
        values.length === 0
          ? await this.#client.query<Record<string, string | null>>(text)
          : await this.#client.query<Record<string, string | null>>(text, [...values]);
      return result.rows;
    });
    if (this.#warnings.length === 0) return rows;
    throw new ConsensusError(
      "uncertain",
      `${what}: the server answered with a warning: ${this.#warnings.join("; ")}; what was written may exist on this ` +
        "server only: see to its standby, then run the command again",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }

  async #judged<T>(what: string, work: () => Promise<T>): Promise<T> {
    const cancel = after(ADMIN_PATIENCE_MS, () => {
      const late = new Error(`no answer within ${ADMIN_PATIENCE_MS} ms`);
      this.#socket.destroy(Object.assign(late, { code: "ETIMEDOUT" }));
    });
    try {
      return await work();
    } catch (error) {
      throw StatementFailure.of(what, error, true).toConsensusError(true);
    } finally {
      cancel();
    }
  }
}
