// SPDX-License-Identifier: Apache-2.0
import { checkJournalLimits, JournalError, type JournalLimits } from "@tsoracle/consensus";
import { systemTimers, type Timers } from "@tsoracle/quorum";
import { type PostgresAddressOptions, type PostgresTarget, parseTargets } from "./target.ts";

export interface PostgresJournalOptions extends PostgresAddressOptions {
  /** Where `installPostgresJournal` made the tables. @defaultValue "tso" */
  readonly schema?: string | undefined;
  /** The largest entry and snapshot. @defaultValue 64 KiB and 1 MiB */
  readonly limits?: Partial<JournalLimits> | undefined;
  /** Connections at most; calls beyond them wait, 1,024 at most. @defaultValue 8 */
  readonly maxConnections?: number | undefined;
  /**
   * Longest that a call takes, waiting for a connection included, in milliseconds. A write that was sent and not
   * answered by then is `uncertain`. @defaultValue 5000
   */
  readonly callTimeoutMs?: number | undefined;
  /** `remote_apply` also waits until synchronous standbys show the write. @defaultValue "on" */
  readonly synchronousCommit?: "on" | "remote_apply" | undefined;
  /** Use a server with `fsync=off` or `full_page_writes=off`, which loses what it acknowledged. @defaultValue false */
  readonly acceptDataLoss?: boolean | undefined;
}

/** Checked options. */
export interface PostgresJournalConfig {
  readonly targets: readonly PostgresTarget[];
  readonly schema: string;
  readonly limits: JournalLimits;
  readonly maxConnections: number;
  readonly callTimeoutMs: number;
  readonly synchronousCommit: "on" | "remote_apply";
  readonly acceptDataLoss: boolean;
  readonly timers: Timers;
}

/** The server ends a statement this much before the call is given up, so that its answer arrives. */
const MARGIN_MS = 50;

/** @throws JournalError `invalid` for the first option that cannot be used. */
export function checkPostgresOptions(options: PostgresJournalOptions): PostgresJournalConfig {
  const { synchronousCommit = "on" } = options;
  if (synchronousCommit !== "on" && synchronousCommit !== "remote_apply") {
    throw new JournalError(
      "invalid",
      `synchronousCommit: expected "on" or "remote_apply", got ${JSON.stringify(synchronousCommit)}`,
    );
  }
  return {
    targets: parseTargets(options),
    schema: checkSchema(options.schema ?? "tso"),
    limits: checkJournalLimits(options.limits),
    maxConnections: wholeIn("maxConnections", options.maxConnections ?? 8, 1, 1_000),
    callTimeoutMs: wholeIn("callTimeoutMs", options.callTimeoutMs ?? 5_000, 200, 600_000),
    synchronousCommit,
    acceptDataLoss: options.acceptDataLoss === true,
    timers: systemTimers,
  };
}

/** @throws JournalError `invalid` unless the name needs no quoting beyond the quotes. */
export function checkSchema(schema: unknown): string {
  if (typeof schema === "string" && /^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return schema;
  throw new JournalError(
    "invalid",
    `schema: expected a lower-case letter or "_", then at most 62 letters, digits or "_", got ${JSON.stringify(schema)}`,
  );
}

/** Settings of each connection; they outrank what the role or the database sets. */
export function sessionSettings(config: PostgresJournalConfig): Readonly<Record<string, string>> {
  const limit = String(config.callTimeoutMs - MARGIN_MS);
  return {
    synchronous_commit: config.synchronousCommit,
    default_transaction_isolation: "read committed",
    default_transaction_read_only: "off",
    client_min_messages: "warning",
    statement_timeout: limit,
    lock_timeout: limit,
    idle_in_transaction_session_timeout: limit,
    tcp_keepalives_idle: "5",
    tcp_keepalives_interval: "2",
    tcp_keepalives_count: "3",
    search_path: "pg_catalog",
  };
}

function wholeIn(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new JournalError("invalid", `${name}: expected a whole number from ${least} to ${most}, got ${String(value)}`);
}
