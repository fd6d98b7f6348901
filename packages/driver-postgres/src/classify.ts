// SPDX-License-Identifier: Apache-2.0

/** What an error of the server, the network or the client library means (`postgres-redis.md` 3.12). */
export interface FailureVerdict {
  readonly kind: "transient" | "permanent" | "seq_overflow";
  /** Whether a write that was sent may have been carried out all the same. */
  readonly outcome: "unknown" | "not_done";
  readonly connection: "keep" | "destroy";
  /** Worth waking somebody, although it may pass by itself. */
  readonly alarm: boolean;
  /** Why, in a word that programs can compare: `POOLER`, `STANDBY`, ... */
  readonly reason: string;
  /** What to do about it, in a sentence. */
  readonly advice: string;
}

/** The parts of an error that say what it is. */
export interface FailureFacts {
  /** SQLSTATE, or the code of a system error; undefined where the library gives none. */
  readonly code: string | undefined;
  readonly message: string;
  /** The constraint that a statement broke. */
  readonly constraint?: string | undefined;
}

type Rule = Omit<FailureVerdict, "outcome"> & { readonly outcome?: FailureVerdict["outcome"] };

const lost: FailureVerdict = {
  kind: "transient",
  outcome: "unknown",
  connection: "destroy",
  alarm: false,
  reason: "LOST",
  advice: "the driver reconnects by itself; if it lasts, see whether the server is up and reachable",
};

const pooler: Rule = {
  kind: "permanent",
  connection: "destroy",
  alarm: true,
  reason: "POOLER",
  advice:
    "a connection pooler is in between, and it would lend the session that holds the lock to others: " +
    "connect to the server itself",
};

const exhausted = (what: string): Rule => ({
  kind: "transient",
  connection: "destroy",
  alarm: true,
  reason: "EXHAUSTED",
  advice: `the server is short of ${what}; the driver goes on trying`,
});

const busy = (advice: string): Rule => ({
  kind: "transient",
  connection: "keep",
  alarm: false,
  reason: "BUSY",
  advice,
});

const person = (reason: string, advice: string): Rule => ({
  kind: "permanent",
  connection: "destroy",
  alarm: true,
  reason,
  advice,
});

const login = person("LOGIN", "check user, password, database and pg_hba.conf; the driver goes on trying slowly");
const schema = person("SCHEMA", 'create the tables and the oracle with "tsoracle postgres init"');
const mismatch = person("SCHEMA", "the tables are not those of this version, or the driver has a defect");
const guard = person("REGRESSED", "the guard refused to move an oracle backwards: see the runbook on restores");

/** By SQLSTATE. What is not here is unknown, and so transient with an alarm. */
const rules: Readonly<Record<string, Rule>> = {
  "57P01": lost,
  "57P02": lost,
  "57P03": lost,
  "57P05": lost,
  "25P03": lost,
  "26000": pooler,
  "25006": {
    kind: "transient",
    connection: "destroy",
    alarm: false,
    reason: "STANDBY",
    advice: "this server is a standby or read-only: give the URL of the primary, or of all servers of the cluster",
  },
  "53300": exhausted("connections: raise max_connections or end idle sessions"),
  "53000": exhausted("resources"),
  "53100": exhausted("disk space"),
  "53200": exhausted("memory"),
  "53400": exhausted("what its configuration allows"),
  "58030": { ...exhausted("a disk that works"), outcome: "unknown" },
  "40001": busy("it conflicted with another transaction"),
  "40P01": busy("it deadlocked with another transaction"),
  "55P03": busy("somebody else holds a lock on the oracle's row: see pg_locks"),
  "57014": busy("the server took longer than statement_timeout, or somebody cancelled it"),
  "28000": login,
  "28P01": login,
  "3D000": login,
  "57P04": login,
  "42501": person("PRIVILEGE", 'grant the role what "tsoracle postgres init" grants, or name the right role'),
  "3F000": schema,
  "42P01": schema,
  "42703": mismatch,
  "42883": mismatch,
  "42804": mismatch,
  "0A000": mismatch,
  "22003": mismatch,
  "23514": mismatch,
  "23505": mismatch,
  "42704": person("VERSION", "the server does not know a setting that the driver needs: use PostgreSQL 14 or later"),
  TSO01: guard,
  XX001: person("CORRUPT", "the server reports corrupt data: do not go on with this disk"),
  XX002: person("CORRUPT", "the server reports a corrupt index: do not go on with this disk"),
};

/** Codes of Node and of OpenSSL with which the certificate of a server is refused. */
const TLS_REFUSAL =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|ERR_TLS_CERT|ERR_SSL_|HOSTNAME_MISMATCH)/;

/** Pure: the same facts, the same verdict. */
export function classify({ code, message, constraint }: FailureFacts): FailureVerdict {
  if (code === "23514" && constraint === "dense_next_check") {
    return {
      kind: "seq_overflow",
      outcome: "not_done",
      connection: "keep",
      alarm: false,
      reason: "OVERFLOW",
      advice: "use another key",
    };
  }
  if (code === "08P01" && /unsupported startup parameter/i.test(message)) return { ...pooler, outcome: "not_done" };
  if (code === undefined ? isTlsRefusal(message) : TLS_REFUSAL.test(code)) {
    return { ...person("TLS", "the server could not be verified: check tls.ca and the name"), outcome: "not_done" };
  }
  // The library has no password to answer with, or it does not know how the server wants it.
  if (code === undefined && /^SASL/.test(message)) return { ...login, outcome: "not_done" };
  const rule = code === undefined ? undefined : rules[code];
  if (rule !== undefined) return { outcome: "not_done", ...rule };
  if (isLoss(code, message)) return lost;
  return {
    kind: "transient",
    outcome: "unknown",
    connection: "destroy",
    alarm: true,
    reason: "UNKNOWN",
    advice: "the driver does not know this error and takes it for one that passes",
  };
}

/** Class 08, the ends of a connection that Node reports, and the library's own words for them, which have no code. */
function isLoss(code: string | undefined, message: string): boolean {
  if (code === undefined) return /terminated|closed|ended|timeout|not queryable/i.test(message);
  if (/^08/.test(code)) return true;
  const ends = ["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"];
  return ends.includes(code) || ["EAI_AGAIN", "ENOTFOUND", "ERR_STREAM_DESTROYED"].includes(code);
}

function isTlsRefusal(message: string): boolean {
  return /does not support SSL|certificate/i.test(message);
}

/** The facts of whatever was thrown. */
export function factsOf(error: unknown): FailureFacts {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  // Several addresses of one host fail together; the first says why.
  const [first] = error instanceof AggregateError ? error.errors : [];
  if (first instanceof Error) return factsOf(first);
  return {
    code: typeof code === "string" ? code : undefined,
    message: error.message,
    constraint: typeof constraint === "string" ? constraint : undefined,
  };
}
