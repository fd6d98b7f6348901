// SPDX-License-Identifier: Apache-2.0
import pg from "pg";
import { StatementFailure } from "./failure.ts";
import { type OracleIdentity, oracleIdentity } from "./oracle-name.ts";
import type { Row } from "./session.ts";
import { checkSchema } from "./statements.ts";
import { type PostgresTarget, parseTargets, type TargetOptions } from "./target.ts";

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

/** Runs statements for an operator; each is answered within ten seconds or fails. */
export class AdminSession implements AsyncDisposable {
  readonly #client: pg.Client;

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
      options: "-c synchronous_commit=on -c default_transaction_read_only=off -c search_path=pg_catalog",
      statement_timeout: ADMIN_TIMEOUT_MS,
      types: { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig,
    });
    // What ends the connection fails the statement under way, or the next one.
    this.#client.on("error", () => {});
  }

  /** @throws ConsensusError */
  static async open({ target }: CheckedAdminOptions): Promise<AdminSession> {
    const session = new AdminSession(target);
    await session.#judged(`cannot connect to ${target.host}:${target.port}`, () => session.#client.connect());
    return session;
  }

  /** @throws ConsensusError, `permanent` unless the failure may pass */
  async run(what: string, text: string, values: readonly (string | null)[] = []): Promise<readonly Row[]> {
    return await this.#judged(what, async () => {
      // Without values it goes as one message, which may hold several statements: all of them or none.
      const result =
        values.length === 0
          ? await this.#client.query<Record<string, string | null>>(text)
          : await this.#client.query<Record<string, string | null>>(text, [...values]);
      return result.rows;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }

  async #judged<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw StatementFailure.of(what, error, true).toConsensusError(true);
    }
  }
}
