// SPDX-License-Identifier: Apache-2.0
import type { Timers } from "@tsoracle/quorum";
import { Redis, type RedisOptions } from "ioredis";
import { classifyRedis } from "./classify.ts";
import { GuardedConnector } from "./guarded-connector.ts";
import type { LuaScript } from "./lua.ts";
import type { NodeAddress } from "./node-address.ts";
import {
  markObjection,
  type NodeFacts,
  type NodeObjection,
  parseInfo,
  passing,
  runOf,
  serverObjection,
} from "./node-facts.ts";
import { keysOf, type RedisJournalConfig } from "./options.ts";
import type { ReplicaAnswer, ReplicaNode, ReplicaRequest } from "./replica.ts";
import { readReply, type ScriptArgument, scriptOf } from "./replies.ts";

export interface RedisNodeOptions {
  readonly address: NodeAddress;
  readonly config: RedisJournalConfig;
  readonly timers: Timers;
  readonly chance: () => number;
  /** What else speaks against a node: what only a look at the others shows. */
  readonly judge: (label: string, facts: NodeFacts) => NodeObjection | undefined;
  /** Hears of every change from or to being of use. */
  readonly onChange: (node: RedisNode) => void;
  /** Called before a request is sent; for tests that want to strike a certain one. */
  readonly onSend?: ((request: ReplicaRequest) => void) | undefined;
}

/** A node that was refused is looked at again after this long, in milliseconds: configurations get corrected. */
const RECHECK_MS = 300;
/** Of the time that a request has, this part may go by while the connection is made. */
const CONNECT_SHARE = 0.7;

/**
 * One connection to one node. A request is sent at most once, and only on a connection on which the node has shown that
 * it is the expected one and keeps what it acknowledges.
 */
export class RedisNode implements ReplicaNode {
  readonly label: string;
  readonly #options: RedisNodeOptions;
  readonly #redis: Redis;
  readonly #waiting = new Set<() => void>();
  #facts: NodeFacts | undefined;
  #objection: NodeObjection | undefined = passing("is not connected yet");
  #lastError: unknown;
  #lastReplyMs: number;
  #inspections = 0;
  #connections = 0;
  #hasVoted = false;
  #cancelRecheck: () => void = () => {};
  #isClosed = false;

  constructor(options: RedisNodeOptions) {
    this.label = options.address.label;
    this.#options = options;
    this.#lastReplyMs = options.timers.monotonicMs();
    this.#redis = new Redis(clientOptions(options));
    this.#redis.on("error", (error: unknown) => {
      this.#lastError = error;
    });
    this.#redis.on("ready", () => void this.inspect());
    this.#redis.on("close", () => this.#onClose());
    this.#redis.connect().catch(() => {});
  }

  /** What it showed on the present connection. */
  get facts(): NodeFacts | undefined {
    return this.#facts;
  }

  /** Why it is of no use now; undefined if it is. A node that is being filled is of use, and has no vote. */
  get objection(): NodeObjection | undefined {
    return this.#objection;
  }

  /** Whether it had a vote once since this process connects to it. */
  get hasVoted(): boolean {
    return this.#hasVoted;
  }

  /** It showed itself, and cannot be used for a reason that may pass. */
  get isWaiting(): boolean {
    return this.#facts !== undefined && this.#objection !== undefined && !this.#objection.lasting;
  }

  async ask(id: string, request: ReplicaRequest, limitMs: number): Promise<ReplicaAnswer> {
    const deadline = this.#options.timers.monotonicMs() + limitMs;
    await this.known(limitMs * CONNECT_SHARE);
    if (this.#objection !== undefined || this.#facts === undefined) {
      // Whoever tries again at once must leave the process a turn, in which the node is looked at again.
      await new Promise<void>((resolve) => void this.#options.timers.after(1, resolve));
      return this.#objection ?? passing("is not known");
    }
    const { mark } = this.#facts;
    const keys = keysOf(this.#options.config.name);
    const [script, args] = scriptOf(request);
    this.#options.onSend?.(request);
    const identity = [mark["cid"] ?? "", mark["nid"] ?? "", runOf(this.#facts)];
    const left = deadline - this.#options.timers.monotonicMs();
    const answer = await this.#answered(
      this.run(script, [keys.mark, keys.copy(id), keys.entries(id)], [...identity, ...args]),
      left,
    );
    if (answer.kind === "failed" && this.#objection === undefined) this.#doubt();
    return answer;
  }

  /** Runs a script on the connection there is. @throws whatever the library throws */
  async run(script: LuaScript, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args] as (string | Buffer | number)[];
    try {
      return this.#heard(await this.#redis.callBuffer("EVALSHA", [script.sha, ...rest]));
    } catch (error) {
      // The script is not there after a restart or SCRIPT FLUSH; then nothing was run, and it is sent itself.
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return this.#heard(await this.#redis.callBuffer("EVAL", [script.text, ...rest]));
    }
  }

  /**
   * Every session that the node has anything of; `onPage` is awaited after each part of the list. A cursor means nothing to a server that was started again, which would
   * leave sessions out.
   *
   * @throws whatever the library or `onPage` throws, and Error when the connection was lost meanwhile
   */
  async sessions(onPage?: () => Promise<void>): Promise<ReadonlySet<string>> {
    const prefix = keysOf(this.#options.config.name).copy("");
    const pattern = `${prefix.replace(/[\\*?[\]]/g, "\\$&")}*`;
    const found = new Set<string>();
    const connection = this.#connections;
    let cursor = "0";
    do {
      const [next, keys] = await this.#redis.scan(cursor, "MATCH", pattern, "COUNT", 1_000);
      cursor = next;
      for (const key of keys) found.add(key.slice(prefix.length));
      await onPage?.();
      if (this.#connections !== connection) throw new Error("the connection was lost while its sessions were listed");
    } while (cursor !== "0");
    return found;
  }

  /** Resolves when it is known whether the node is of use, or when time is up. */
  async known(limitMs: number): Promise<void> {
    const deadline = this.#options.timers.monotonicMs() + limitMs;
    while (!this.#isClosed && this.#facts === undefined) {
      const leftMs = deadline - this.#options.timers.monotonicMs();
      if (leftMs <= 0 || this.#isRefused()) return;
      await this.#change(leftMs);
    }
  }

  /** Looks at the node again. Of two looks at a time only the newer counts. */
  async inspect(): Promise<void> {
    this.#cancelRecheck();
    this.#inspections += 1;
    const inspection = this.#inspections;
    let facts: NodeFacts | undefined;
    let objection: NodeObjection | undefined;
    try {
      facts = await this.#readFacts();
      objection =
        serverObjection(facts, this.#options.config.acceptDataLoss) ?? markObjection(facts, this.#options.config);
    } catch (error) {
      objection = { ...classifyRedis(error), mayHaveRun: false };
    }
    if (inspection !== this.#inspections || this.#isClosed) return;
    this.#facts = facts;
    if (facts !== undefined) objection ??= this.#options.judge(this.label, facts);
    this.#become(objection);
    if (objection !== undefined) {
      this.#cancelRecheck = this.#options.timers.after(RECHECK_MS, () => void this.inspect());
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#objection = passing("was closed by this process");
    this.#cancelRecheck();
    this.#redis.disconnect();
    this.#notify();
  }

  #isRefused(): boolean {
    const { status } = this.#redis;
    return status === "reconnecting" && this.#objection !== undefined && this.#lastError !== undefined;
  }

  /** The answer, or that there is none in time; what was sent goes on. */
  async #answered(running: Promise<unknown>, limitMs: number): Promise<ReplicaAnswer> {
    const { timers } = this.#options;
    return await new Promise((resolve) => {
      const cancel = timers.after(Math.max(1, limitMs), () => {
        this.#reconnectIfSilent();
        resolve({ kind: "failed", mayHaveRun: true, lasting: false, message: "did not answer in time" });
      });
      running.then(
        (reply) => {
          cancel();
          resolve(readReply(reply));
        },
        (error: unknown) => {
          cancel();
          resolve(classifyRedis(error));
        },
      );
    });
  }

  async #readFacts(): Promise<NodeFacts> {
    const [text, config] = await Promise.all([this.#redis.info(), this.#readConfig()]);
    this.#heard(undefined);
    const info = parseInfo(text);
    const isReadable = info.get("cluster_enabled") !== "1" && info.get("loading") !== "1";
    const mark = isReadable ? await this.#redis.hgetall(keysOf(this.#options.config.name).mark) : {};
    return { info, config, mark };
  }

  /** Undefined where CONFIG is forbidden or renamed. */
  async #readConfig(): Promise<ReadonlyMap<string, string> | undefined> {
    try {
      const config = new Map<string, string>();
      for (const name of ["appendfsync", "no-appendfsync-on-rewrite"]) {
        const reply = (await this.#redis.config("GET", name)) as readonly string[];
        config.set(name, reply[1] ?? "");
      }
      return config;
    } catch (error) {
      if (error instanceof Error && error.name === "ReplyError") return undefined;
      throw error;
    }
  }

  /** A node that answered that it is not what it was is looked at again. */
  #doubt(): void {
    if (this.#redis.status === "ready") void this.inspect();
  }

  #onClose(): void {
    this.#cancelRecheck();
    this.#connections += 1;
    this.#inspections += 1;
    this.#facts = undefined;
    if (this.#isClosed) return;
    const cause = this.#lastError;
    this.#become({ ...classifyRedis(cause ?? new Error("the connection was closed")), mayHaveRun: false });
  }

  #become(objection: NodeObjection | undefined): void {
    const before = this.#objection?.message;
    this.#objection = objection;
    if (objection === undefined) this.#lastError = undefined;
    if (objection === undefined && this.#facts?.mark["st"] === "whole") this.#hasVoted = true;
    if (objection?.message !== before) this.#options.onChange(this);
    this.#notify();
  }

  #heard<T>(reply: T): T {
    this.#lastReplyMs = this.#options.timers.monotonicMs();
    return reply;
  }

  /** Commands go unanswered: the other side may be gone without a word. */
  #reconnectIfSilent(): void {
    const now = this.#options.timers.monotonicMs();
    if (this.#isClosed || now - this.#lastReplyMs < this.#options.config.callTimeoutMs / 2) return;
    this.#lastReplyMs = now;
    this.#redis.disconnect(true);
  }

  #notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves at the next change, or after this long. */
  #change(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#options.timers.after(limitMs, done);
      this.#waiting.add(done);
    });
  }
}

/** `postgres-redis.md` 4.8: nothing is queued, tried again or sent again behind our back. */
function clientOptions({ address, config, chance }: RedisNodeOptions): Omit<RedisOptions, "replyMapping"> {
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
    enableReadyCheck: false,
    enableAutoPipelining: false,
    reconnectOnError: null,
    commandTimeout: config.callTimeoutMs,
    connectTimeout: Math.min(config.callTimeoutMs, 5_000),
    keepAlive: 1_000,
    noDelay: true,
    stringNumbers: true,
    protocol: 2,
    disableClientInfo: true,
    retryStrategy: (times) => Math.min(500, 50 * times) * (0.5 + chance() / 2),
    connectionName: "tsoracle-journal",
  };
}
