// SPDX-License-Identifier: Apache-2.0
import type { FailureKind, NodeFailure } from "./node-outcome.ts";

interface Rule {
  readonly pattern: RegExp;
  readonly why: FailureKind;
  readonly advice: string;
}

const ACCESS = "correct the user name and password, or the ACL that the README lists";
const NOT_A_CLUSTER =
  "this node belongs to a Redis Cluster or stands behind one; use independent servers with cluster-enabled no";

/** First match wins (`postgres-redis.md` 4.10). `NOSCRIPT` is not here: the same call sends the script itself. */
const RULES: readonly Rule[] = [
  { pattern: /^(MOVED|ASK|CROSSSLOT)\b/, why: "topology", advice: NOT_A_CLUSTER },
  { pattern: /^(LOADING|BUSY|TRYAGAIN|MASTERDOWN|CLUSTERDOWN)\b/, why: "unavailable", advice: "" },
  {
    pattern: /^ERR max number of clients/,
    why: "unavailable",
    advice: "raise maxclients on it, or find out who holds so many connections",
  },
  {
    pattern: /^DENIED\b/,
    why: "configuration",
    advice: "give the oracle a password there, or let the server be reached otherwise than by protected-mode no",
  },
  { pattern: /^OOM\b/, why: "refusing", advice: "it is out of memory: raise maxmemory, and keep nothing else on it" },
  { pattern: /^MISCONF\b/, why: "refusing", advice: "it cannot save: look at its log, its disk and the free space" },
  {
    pattern: /^READONLY\b/,
    why: "refusing",
    advice: "it is a replica: every node must be an independent master. Correct the list of nodes",
  },
  { pattern: /^NOREPLICAS\b/, why: "refusing", advice: "set min-replicas-to-write to 0 on it" },
  {
    pattern: /^(NOAUTH|WRONGPASS|NOPERM)\b|^ERR (AUTH|invalid password)|executing the script can't/,
    why: "configuration",
    advice: ACCESS,
  },
  {
    pattern: /^ERR unknown (command|subcommand)/i,
    why: "configuration",
    advice: "do not rename commands, and use Redis 6.2 or newer",
  },
  {
    pattern: /certificate|SSL routines|ssl3_|tlsv1|wrong version number|ERR_TLS|self[- ]signed/i,
    why: "configuration",
    advice: "correct the TLS options: certificate authority, server name, and rediss:// against redis://",
  },
];

const WRAPPED = /^ERR Error running script .*?: -(?=[A-Z]+ )/;

/** System errors after which nothing was, or can have been, sent on this connection. */
const NEVER_SENT = /isn't writeable|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;

/**
 * What the failure of one command on one node means.
 *
 * An error that the server answered was answered instead of running the script: every script writes last, and the
 * checks that refuse it come first. An error of the connection leaves the outcome open.
 */
export function classify(error: unknown): NodeFailure {
  // Redis 6 wraps what a command inside a script was answered; Redis 7 passes it on.
  const text = (error instanceof Error ? error.message : String(error)).replace(WRAPPED, "");
  const code = codeOf(error);
  const rule = RULES.find(({ pattern }) => pattern.test(text) || (code !== "" && pattern.test(code)));
  if (rule !== undefined) {
    const advice = rule.advice === "" ? "" : `; ${rule.advice}`;
    return { kind: "failed", why: rule.why, mayHaveRun: false, message: `answered ${quoted(text)}${advice}` };
  }
  if (isReply(error)) {
    const message = `answered ${quoted(text)}, which this driver does not know`;
    return { kind: "failed", why: "refusing", mayHaveRun: true, message };
  }
  const mayHaveRun = !NEVER_SENT.test(text) && !NEVER_SENT.test(code);
  return { kind: "failed", why: "unavailable", mayHaveRun, message: `is not reachable: ${text || code}` };
}

/** Whether the server itself answered with this error. */
function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
