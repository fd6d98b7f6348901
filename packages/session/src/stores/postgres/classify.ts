// SPDX-License-Identifier: Apache-2.0
import { JournalError } from "@tsoracle/consensus";

/** What an error of the server, the network or the client library means for a journal (`postgres-redis.md` 3.12). */
export interface PostgresVerdict {
  readonly kind: "transient" | "permanent";
  /** Whether a write that was sent may have been carried out all the same. */
  readonly outcome: "unknown" | "not_done";
  /** Whether the connection may be used again. */
  readonly keeps: boolean;
  readonly advice: string;
}

const lost: PostgresVerdict = {
  kind: "transient",
  outcome: "unknown",
  keeps: false,
  advice: "the store connects again by itself; if it lasts, see whether the server is up and reachable",
};
const short = (what: string): PostgresVerdict => ({
  kind: "transient",
  outcome: "not_done",
  keeps: false,
  advice: `the server is short of ${what}`,
});
const busy = (advice: string): PostgresVerdict => ({ kind: "transient", outcome: "not_done", keeps: true, advice });
const person = (advice: string): PostgresVerdict => ({ kind: "permanent", outcome: "not_done", keeps: false, advice });

const login = person("check user, password, database and pg_hba.conf");
const schema = person("make the tables with installPostgresJournal, as their owner");
const mismatch = person("the tables are not those of this version: see that schema and version are right");

/** By SQLSTATE. What is not here is unknown, and so transient with an unknown outcome. */
const rules: Readonly<Record<string, PostgresVerdict>> = {
  "57P01": lost,
  "57P02": lost,
  "57P03": { ...lost, outcome: "not_done" },
  "57P05": lost,
  "25P03": lost,
  "26000": person("a connection pooler is in between: connect to the server itself"),
  "25006": {
    kind: "transient",
    outcome: "not_done",
    keeps: false,
    advice: "this server is a standby or read-only: give the URL of the primary, or of all servers of the cluster",
  },
  "53300": short("connections: raise max_connections or end idle sessions"),
  "53000": short("resources"),
  "53100": short("disk space: free some"),
  "53200": short("memory"),
  "53400": short("what its configuration allows"),
  "58030": { ...short("a disk that works"), outcome: "unknown" },
  "40001": busy("it conflicted with another transaction"),
  "40P01": busy("it deadlocked with another transaction"),
  "55P03": busy("somebody else holds a lock on the session's row: see pg_locks"),
  "57014": busy("the server took longer than the call may, or somebody cancelled it"),
  "28000": login,
  "28P01": login,
  "3D000": login,
  "57P04": login,
  "42501": person("grant the role what installPostgresJournal grants, or name the right role"),
  "3F000": schema,
  "42P01": schema,
  "42703": mismatch,
  "42883": mismatch,
  "42804": mismatch,
  "0A000": mismatch,
  "23505": person("the entries contradict the row of the session: somebody else wrote to the tables"),
  "23514": mismatch,
  "22003": mismatch,
  TSJ01: person("the guard of the tables refused to let an epoch go back: somebody else wrote to the tables"),
  XX001: person("the server reports corrupt data: do not go on with this disk"),
  XX002: person("the server reports a corrupt index: do not go on with this disk"),
};

const TLS_REFUSAL =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|ERR_TLS_CERT|ERR_SSL_|HOSTNAME_MISMATCH)/;

/** Pure: the same error, the same verdict. */
export function classifyPostgres(error: unknown): PostgresVerdict {
  const { code, message } = factsOf(error);
  if (code === "08P01" && /unsupported startup parameter/i.test(message)) {
    return person("a connection pooler is in between: connect to the server itself");
  }
  if (code === undefined ? /does not support SSL|certificate/i.test(message) : TLS_REFUSAL.test(code)) {
    return person("the server could not be verified: check tls.ca and the name");
  }
  if (code === undefined && /^SASL/.test(message)) return login;
  if (code !== undefined && ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"].includes(code)) {
    return { ...lost, outcome: "not_done" };
  }
  return (code === undefined ? undefined : rules[code]) ?? lost;
}

function factsOf(error: unknown): { readonly code: string | undefined; readonly message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  // Several addresses of one host fail together; the first says why.
  const [first] = error instanceof AggregateError ? error.errors : [];
  if (first instanceof Error) return factsOf(first);
  const { code } = error as { code?: unknown };
  return { code: typeof code === "string" ? code : undefined, message: error.message };
}

/**
 * What a caller is told of a failure.
 *
 * @param sent whether a write had been sent: then its outcome may be unknown
 */
export function postgresFailure(what: string, error: unknown, sent: boolean): JournalError {
  if (error instanceof JournalError) return error;
  const { kind, outcome, advice } = classifyPostgres(error);
  const { code, message } = factsOf(error);
  const text = `${what}: ${message}${code === undefined ? "" : ` (${code})`}; ${advice}`;
  if (kind === "permanent") return new JournalError("permanent", text, { cause: error });
  if (sent && outcome === "unknown") {
    return new JournalError("uncertain", `${text}; whether it was written is unknown`, { cause: error });
  }
  return new JournalError("transient", `${text}; nothing was written`, { cause: error });
}
