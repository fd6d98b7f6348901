// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";
import { postgresFailure } from "./classify.ts";
import { Connection } from "./connection.ts";
import { checkPostgresOptions, type PostgresJournalOptions } from "./options.ts";
import { checkRole, schemaSql } from "./schema.ts";
import type { PostgresAddressOptions } from "./target.ts";

export interface InstallPostgresJournalOptions extends PostgresAddressOptions {
  /** The role that servers connect as; it must exist, and should not own the tables. */
  readonly role: string;
  /** @defaultValue "tso" */
  readonly schema?: string | undefined;
}

const PATIENCE_MS = 30_000;

/**
 * Creates the tables of the journals, their guard, and what `role` needs, where they are missing; connect as the owner of
 * the database. Harmless to repeat, and beside an oracle in the same schema.
 *
 * @throws JournalError `invalid`, `permanent` (the role does not exist, or the URL's may not create), or `transient`
 */
export async function installPostgresJournal(options: InstallPostgresJournalOptions): Promise<void> {
  const role = checkRole(options.role);
  const { url, password, tls, schema } = options;
  const config = checkPostgresOptions({
    url,
    password,
    tls,
    schema,
    callTimeoutMs: PATIENCE_MS,
  } satisfies PostgresJournalOptions);
  const [target] = config.targets;
  if (target === undefined) throw new JournalError("invalid", "url: expected one");
  const connection = new Connection(config, target);
  try {
    await connection.connect(PATIENCE_MS).catch((error: unknown) => {
      throw postgresFailure(`cannot use ${target.host}:${target.port}`, error, false);
    });
    const run = (what: string, text: string, values: readonly string[]) =>
      connection.run(what, text, values, PATIENCE_MS, false);
    const found = await run("cannot look for the role", "SELECT 1 AS there FROM pg_roles WHERE rolname = $1", [role]);
    if (found.length === 0) {
      throw new JournalError(
        "permanent",
        `there is no role "${role}": create it first, for example with CREATE ROLE "${role}" LOGIN PASSWORD '...'`,
      );
    }
    // Two at once would disturb each other's CREATE ... IF NOT EXISTS.
    const lock = "SELECT pg_advisory_xact_lock(hashtextextended('tsoracle init', 0));";
    await run("cannot create the tables", `BEGIN; ${lock} ${schemaSql(config.schema, role)} COMMIT;`, []);
  } finally {
    connection.destroy();
  }
}
