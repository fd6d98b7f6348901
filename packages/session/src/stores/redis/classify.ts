// SPDX-License-Identifier: Apache-2.0
import type { ReplicaFailure } from "./replica.ts";

interface Rule {
  readonly pattern: RegExp;
  readonly lasting: boolean;
  readonly advice: string;
}

/** First match wins (`postgres-redis.md` 4.10). `NOSCRIPT` is not here: the same call sends the script itself. */
const RULES: readonly Rule[] = [
  {
    pattern: /^(MOVED|ASK|CROSSSLOT)\b/,
    lasting: true,
    advice: "this node belongs to a Redis Cluster; use independent servers with cluster-enabled no",
  },
  {
    pattern: /^(LOADING|BUSY|TRYAGAIN|MASTERDOWN|CLUSTERDOWN)\b/,
    lasting: false,
    advice: "it can be used when that is over",
  },
  { pattern: /^ERR max number of clients/, lasting: false, advice: "raise maxclients on it" },
  { pattern: /^DENIED\b/, lasting: true, advice: "give the journals a password there" },
  { pattern: /^OOM\b/, lasting: false, advice: "it is out of memory: raise maxmemory, and keep nothing else on it" },
  { pattern: /^MISCONF\b/, lasting: false, advice: "it cannot save: look at its log, its disk and the free space" },
  { pattern: /^READONLY\b/, lasting: true, advice: "it is a replica: every node must be an independent master" },
  { pattern: /^NOREPLICAS\b/, lasting: false, advice: "set min-replicas-to-write to 0 on it" },
  {
    pattern: /^(NOAUTH|WRONGPASS|NOPERM)\b|^ERR (AUTH|invalid password)|executing the script can't/,
    lasting: true,
    advice: "correct the user name and password, or the ACL",
  },
  {
    pattern: /^ERR unknown (command|subcommand)/i,
    lasting: true,
    advice: "do not rename commands, and use Redis 6.2 or newer",
  },
  {
    pattern: /certificate|SSL routines|ssl3_|tlsv1|wrong version number|ERR_TLS|self[- ]signed/i,
    lasting: true,
    advice: "correct the TLS options: certificate authority, server name, and rediss:// against redis://",
  },
];

const WRAPPED = /^ERR Error running script .*?: -(?=[A-Z]+ )/;
/** System errors after which nothing was, or can have been, sent on this connection. */
const NEVER_SENT = /isn't writeable|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;

/**
 * What the failure of one command on one node means. What the server answered, it answered instead of running the
 * script; an error of the connection leaves the outcome open.
 */
export function classifyRedis(error: unknown): ReplicaFailure {
  // Redis 6 wraps what a command inside a script was answered; Redis 7 passes it on.
  const text = (error instanceof Error ? error.message : String(error)).replace(WRAPPED, "");
  const code = codeOf(error);
  const isReply = error instanceof Error && error.name === "ReplyError";
  const rule = RULES.find(({ pattern }) => pattern.test(text) || (code !== "" && pattern.test(code)));
  if (rule !== undefined) {
    const message = `answered ${JSON.stringify(text.slice(0, 200))}; ${rule.advice}`;
    return { kind: "failed", mayHaveRun: !isReply && code === "", lasting: rule.lasting, message };
  }
  if (isReply) {
    const message = `answered ${JSON.stringify(text.slice(0, 200))}, which this store does not know`;
    return { kind: "failed", mayHaveRun: true, lasting: false, message };
  }
  const mayHaveRun = !NEVER_SENT.test(text) && !NEVER_SENT.test(code);
  return { kind: "failed", mayHaveRun, lasting: false, message: `is not reachable: ${text || code}` };
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
