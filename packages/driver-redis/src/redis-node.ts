// SPDX-License-Identifier: Apache-2.0

import type { Timers } from "@tsoracle/quorum";
import { Redis, type RedisOptions } from "ioredis";
import type { Chance } from "./chance.ts";
import { classify } from "./classify.ts";
import { GuardedConnector } from "./guarded-connector.ts";
import type { LuaScript } from "./lua.ts";
import type { NodeAddress } from "./node-address.ts";
import { type NodeFacts, parseInfo, type RegisterFacts } from "./node-facts.ts";
import type { NodeFailure } from "./node-outcome.ts";

export interface RedisNodeOptions {
  readonly address: NodeAddress;
  readonly key: string;
  readonly connectionName: string;
  readonly opTimeoutMs: number;
  /** Reconnect when commands go unanswered for this long: the other side may be gone without a word. */
  readonly silenceMs: number;
  readonly timers: Timers;
  readonly chance: Chance;
  /** Judges the node on each new connection; it has no vote until this answers undefined. */
  readonly admit: (facts: NodeFacts) => NodeFailure | undefined;
  /** Hears of every change from or to having a vote. */
  readonly onChange: (failure: NodeFailure | undefined) => void;
}

/** How long to wait until it is known whether a node may vote, in milliseconds. */
export interface Patience {
  /** While it can be reached and its answer is still to come. */
  readonly answerMs: number;
  /** While it cannot be reached, or has answered that it cannot vote yet. */
  readonly absentMs: number;
}

/** What a command brought: a reply, or why there is none. */
export type Reply = { readonly kind: "reply"; readonly reply: unknown } | NodeFailure;

type Link =
  /** `facts` are of the present connection, once they have been read. */
  | { readonly at: "down"; readonly failure: NodeFailure; readonly facts?: NodeFacts }
  | { readonly at: "up"; readonly facts: NodeFacts }
  | { readonly at: "closed" };

const NOT_YET: NodeFailure = {
  kind: "failed",
  why: "unavailable",
  mayHaveRun: false,
  message: "is not connected yet",
};
const LOST: NodeFailure = { ...NOT_YET, message: "closed the connection" };
const CLOSED: NodeFailure = { ...NOT_YET, message: "was closed by this process" };
/** A node that was refused is looked at again after this long, in milliseconds: configurations get corrected. */
const RECHECK_MS = 500;

/**
 * One connection to one node. A command is sent at most once, and only on a connection on which the node has shown
 * that it is the expected one and keeps what it acknowledges. Nothing here throws: failures are values.
 */
export class RedisNode {
  readonly label: string;
  readonly #options: RedisNodeOptions;
  readonly #redis: Redis;
  #link: Link = { at: "down", failure: NOT_YET };
  #lastError: unknown;
  #lastReplyMs = 0;
  #recheck: () => void = () => {};
  readonly #waiting = new Set<() => void>();
  #complaint: string | undefined;
  /** Counts inspections: facts are read in several commands, and must not come from two connections. */
  #inspections = 0;
  #hasVoted = false;
  #isInspecting = false;

  constructor(options: RedisNodeOptions) {
    this.label = options.address.label;
    this.#options = options;
    this.#lastReplyMs = options.timers.monotonicMs();
    this.#redis = new Redis(clientOptions(options));
    this.#redis.on("error", (error: unknown) => {
      this.#lastError = error;
    });
    this.#redis.on("ready", () => void this.#inspect());
    this.#redis.on("close", () => this.#onClose());
    // Where not even a socket could be opened, this is all that is heard.
    this.#redis.on("end", () => this.#onClose());
    this.#redis.connect().catch(() => {});
  }

  /** What the node showed on the present connection; undefined while it has no vote. */
  get facts(): NodeFacts | undefined {
    return this.#link.at === "up" ? this.#link.facts : undefined;
  }

  /** Why it has no vote; undefined while it has one. */
  get failure(): NodeFailure | undefined {
    return this.#link.at === "down" ? this.#link.failure : this.#link.at === "closed" ? CLOSED : undefined;
  }

  /** Whether it has had a vote at any time, as far as this process has seen. */
  get hasVoted(): boolean {
    return this.#hasVoted;
  }

  /** What a node without a vote showed on the present connection, if it could vote once it is admitted. */
  get candidate(): NodeFacts | undefined {
    return this.#link.at === "down" && this.#link.failure.lost !== undefined ? this.#link.facts : undefined;
  }

  /** What the node showed on the present connection, whether it may vote or not. */
  get seen(): NodeFacts | undefined {
    return this.#link.at === "closed" ? undefined : this.#link.facts;
  }

  /** Judges a node that is connected and has no vote again, now. */
  recheck(): void {
    if (this.#link.at === "down" && this.#redis.status === "ready") void this.#inspect();
  }

  /** Resolves when the node has a vote, has been refused for a reason that waiting does not cure, or time is up. */
  async settled({ answerMs, absentMs }: Patience): Promise<void> {
    const begunMs = this.#nowMs();
    while (this.#link.at === "down" && this.#link.failure.why === "unavailable") {
      const leftMs = begunMs + (this.#isAnswering ? answerMs : absentMs) - this.#nowMs();
      if (leftMs <= 0) return;
      await this.#change(leftMs);
    }
  }

  /**
   * Runs a script, waiting up to `patienceMs` for a connection first.
   *
   * @param args what comes after the key, made from the node's facts
   */
  async run(script: LuaScript, args: (facts: NodeFacts) => readonly string[], patienceMs: number): Promise<Reply> {
    // A failure is never answered in the turn of the call, so that a caller who tries again at once blocks nobody.
    if (this.#link.at !== "up") await this.#change(0);
    await this.settled({ answerMs: patienceMs, absentMs: patienceMs });
    if (this.#link.at !== "up") return this.failure ?? NOT_YET;
    return await this.#send(script, args(this.#link.facts));
  }

  /** Runs a script on a node that has no vote, at once: to admit it, or for an operator. */
  async runOutside(script: LuaScript, args: (facts: NodeFacts) => readonly string[]): Promise<Reply> {
    if (this.#link.at !== "down" || this.#link.facts === undefined) return this.failure ?? NOT_YET;
    return await this.#send(script, args(this.#link.facts));
  }

  async #send(script: LuaScript, values: readonly string[]): Promise<Reply> {
    try {
      return { kind: "reply", reply: await this.#evaluate(script, values) };
    } catch (error) {
      this.#reconnectIfSilent();
      return classify(error);
    }
  }

  /**
   * Hears what a script's answer said. One that the node should not give is told to the operator, and one that says
   * that the node is not what it was takes its vote away until it has been looked at again.
   */
  heard(answer: { readonly kind: string } | NodeFailure): void {
    if (!("why" in answer)) {
      this.#complaint = undefined;
      return;
    }
    if (this.#link.at !== "up" || answer.why === "unavailable") return;
    if (answer.why !== "refusing") {
      this.#recheckVote();
      return;
    }
    if (this.#complaint !== answer.message) this.#options.onChange(answer);
    this.#complaint = answer.message;
  }

  close(): void {
    this.#link = { at: "closed" };
    this.#recheck();
    this.#notify();
    this.#redis.disconnect();
  }

  /** Judges a node that has a vote again. */
  #recheckVote(): void {
    if (this.#link.at === "up" && !this.#isInspecting) void this.#inspect();
  }

  async #evaluate(script: LuaScript, values: readonly string[]): Promise<unknown> {
    const { key } = this.#options;
    try {
      return this.#heard(await this.#redis.evalsha(script.sha, 1, key, ...values));
    } catch (error) {
      // The script is not there after a restart or SCRIPT FLUSH; then nothing was run, and it is sent itself.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return this.#heard(await this.#redis.eval(script.text, 1, key, ...values));
    }
  }

  #heard<T>(reply: T): T {
    this.#lastReplyMs = this.#nowMs();
    return reply;
  }

  /** Reads what the node is, and lets it vote or not. Of two at a time only the newer counts. */
  async #inspect(): Promise<void> {
    this.#recheck();
    this.#lastReplyMs = this.#nowMs();
    this.#inspections += 1;
    const inspection = this.#inspections;
    this.#isInspecting = true;
    const link = await this.#look(() => inspection === this.#inspections);
    if (link === undefined) return;
    this.#isInspecting = false;
    this.#become(link);
    if (link.at !== "down" || this.#redis.status !== "ready") return;
    this.#recheck = this.#options.timers.after(RECHECK_MS, () => void this.#inspect());
  }

  async #look(isCurrent: () => boolean): Promise<Link | undefined> {
    try {
      const facts = await this.#readFacts();
      if (!isCurrent()) return undefined;
      const failure = this.#options.admit(facts);
      return failure === undefined ? { at: "up", facts } : { at: "down", failure, facts };
    } catch (error) {
      return isCurrent() ? { at: "down", failure: classify(error) } : undefined;
    }
  }

  async #readFacts(): Promise<NodeFacts> {
    const [text, config] = await Promise.all([this.#redis.info(), this.#readConfig()]);
    const info = parseInfo(text);
    // A node of a cluster answers about keys with where else to ask, and one that is loading not at all; both would say
    // less than what they are.
    const isReadable = info.get("cluster_enabled") !== "1" && info.get("loading") !== "1";
    const register = isReadable ? await this.#readRegister() : undefined;
    return { server: { info, config }, register };
  }

  async #readRegister(): Promise<RegisterFacts | undefined> {
    const { key } = this.#options;
    const fields = ["v", "cid", "nid", "n", "ttl", "fm", "rs", "tr", "rid", "p", "hw", "b"] as const;
    const [values, expiry] = await Promise.all([this.#redis.hmget(key, ...fields), this.#redis.pttl(key)]);
    const [version, ...others] = values;
    if (version == null) return undefined;
    const [clusterId = "", nodeId = "", n = "", tenureMs = "", freshness = "", driftPpm = "", ...changing] = others.map(
      (value) => value ?? "",
    );
    const [trustRestart = "", runId = "", promised = "", highWater = "", beat = ""] = changing;
    const fixed = { version, clusterId, nodeId, n, tenureMs, freshness, driftPpm, trustRestart, runId };
    return { ...fixed, promised, highWater, beat, expiresInMs: Number(expiry) };
  }

  /** Undefined where CONFIG is forbidden or renamed. */
  async #readConfig(): Promise<ReadonlyMap<string, string> | undefined> {
    try {
      const names = ["appendfsync", "no-appendfsync-on-rewrite"];
      const replies = await Promise.all(names.map((name) => this.#redis.config("GET", name)));
      return new Map(names.map((name, index) => [name, (replies[index] as readonly string[])[1] ?? ""]));
    } catch (error) {
      if (error instanceof Error && error.name === "ReplyError") return undefined;
      throw error;
    }
  }

  #onClose(): void {
    this.#recheck();
    // What is being read belongs to a connection that is over.
    this.#inspections += 1;
    this.#isInspecting = false;
    if (this.#link.at === "closed") return;
    const cause = this.#lastError;
    this.#lastError = undefined;
    const failure = cause === undefined ? LOST : { ...classify(cause), mayHaveRun: false };
    this.#become({ at: "down", failure });
  }

  #become(link: Link): void {
    if (this.#link.at === "closed") return;
    const before = this.failure?.message;
    this.#link = link;
    if (link.at === "up") this.#hasVoted = true;
    if (this.failure?.message !== before) this.#options.onChange(this.failure);
    this.#notify();
  }

  #reconnectIfSilent(): void {
    if (this.#link.at !== "up" || this.#nowMs() - this.#lastReplyMs < this.#options.silenceMs) return;
    this.#lastReplyMs = this.#nowMs();
    this.#redis.disconnect(true);
  }

  #nowMs(): number {
    return this.#options.timers.monotonicMs();
  }

  /** Whether it is being connected to or looked at, so that there is something to hear from it soon. */
  get #isAnswering(): boolean {
    return this.#isInspecting || this.#redis.status === "connecting" || this.#redis.status === "connect";
  }

  #notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves at the next change, or after this long. */
  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#options.timers.after(timeoutMs, done);
      this.#waiting.add(done);
    });
  }
}

/** `postgres-redis.md` 4.8: nothing is queued, tried again or sent again behind our back. */
function clientOptions(options: RedisNodeOptions): Omit<RedisOptions, "replyMapping"> {
  const { address, connectionName, opTimeoutMs } = options;
  return {
    Connector: GuardedConnector,
    host: address.host,
    port: address.port,
    db: address.db,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls === undefined ? {} : { tls: { ...address.tls, rejectUnauthorized: true } }),
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // A node that is loading is told from one that is silent, by INFO, which it answers meanwhile.
    enableReadyCheck: false,
    enableAutoPipelining: false,
    reconnectOnError: null,
    commandTimeout: opTimeoutMs,
    connectTimeout: Math.max(1_000, opTimeoutMs),
    keepAlive: 1_000,
    noDelay: true,
    stringNumbers: true,
    protocol: 2,
    disableClientInfo: true,
    retryStrategy: (times) => Math.min(500, 50 * times) * (0.5 + options.chance() / 2),
    connectionName,
  };
}
