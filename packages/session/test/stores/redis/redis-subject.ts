// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import type { JournalFaults, JournalSubject, JournalUniverse, Release } from "@tsoracle/conformance";
import type { FencedJournal } from "@tsoracle/consensus";
import { FaultProxy, type RedisServer } from "@tsoracle/test-services";
import { initRedisJournal } from "../../../src/redis.ts";
import { openWatched } from "../../../src/stores/redis/open.ts";
import type { RedisJournalOptions } from "../../../src/stores/redis/options.ts";

/** Longer than anything but a stall takes: five servers sync for each write, and the machine may be busy. */
const CALL_TIMEOUT_MS = 3_000;

export interface RedisSubjectOptions {
  readonly redis: () => readonly RedisServer[] | Promise<readonly RedisServer[]>;
  /** How many of the servers are used. @defaultValue 5 */
  readonly servers?: number;
  readonly name?: string;
  /** What else happens in a crash of a node; it is awaited. */
  readonly onCrash?: (servers: readonly RedisServer[]) => Promise<void>;
  readonly options?: Partial<RedisJournalOptions>;
}

/** Redis journals on real servers over TCP faults: three processes, each through proxies of its own. */
export function redisJournalSubject(options: RedisSubjectOptions): JournalSubject {
  const { servers: count = 5 } = options;
  return {
    name: options.name ?? (count === 5 ? "redis" : `redis, ${count} nodes`),
    nodes: 3,
    faults: ["crash", "loseReply", "stall", "partition"],
    waivers: {
      tornTail: "the server repairs its own log, which its own tests cover",
      corrupt: "the server reads its log when it starts, and damage there stops it",
    },
    callTimeoutMs: 2 * CALL_TIMEOUT_MS,
    provision: async () => RedisUniverse.create((await options.redis()).slice(0, count), options),
  };
}

/** One life of a node: its journal, and its own way to each server. */
interface Life {
  readonly journal: FencedJournal;
  readonly proxies: readonly FaultProxy[];
  /** The reply to its next write is lost. */
  losesReply: boolean;
}

class RedisUniverse implements JournalUniverse {
  readonly faults: Partial<JournalFaults> = {
    crash: (node) => this.#crash(node),
    loseReply: async (node) => {
      this.#life(node).losesReply = true;
    },
    stall: async (node) => this.#flow(node, { up: "hold" }),
    partition: async (node) => this.#flow(node, { up: "hold", down: "hold" }),
  };
  readonly #servers: readonly RedisServer[];
  readonly #settings: Omit<RedisJournalOptions, "nodes">;
  readonly #onCrash: RedisSubjectOptions["onCrash"];
  readonly #lives = new Map<number, Life>();
  /** Disposals of crashed journals, which nobody waits for until the end. */
  readonly #dead: Promise<void>[] = [];

  private constructor(
    servers: readonly RedisServer[],
    settings: Omit<RedisJournalOptions, "nodes">,
    onCrash: RedisSubjectOptions["onCrash"],
  ) {
    this.#servers = servers;
    this.#settings = settings;
    this.#onCrash = onCrash;
  }

  static async create(
    servers: readonly RedisServer[],
    { options, onCrash }: RedisSubjectOptions,
  ): Promise<RedisUniverse> {
    const settings = {
      name: `kit-${randomUUID()}`,
      callTimeoutMs: CALL_TIMEOUT_MS,
      limits: { maxEntryBytes: 3_000, maxSnapshotBytes: 4_000 },
      ...options,
    };
    await initRedisJournal({ ...settings, callTimeoutMs: 30_000, nodes: servers.map(({ url }) => url) });
    return new RedisUniverse(servers, settings, onCrash);
  }

  async open(node: number): Promise<FencedJournal> {
    const before = this.#lives.get(node);
    await Promise.all((before?.proxies ?? []).map((proxy) => proxy.close()));
    const proxies = await Promise.all(this.#servers.map((server) => FaultProxy.open(server)));
    const life: { -readonly [Field in keyof Life]?: Life[Field] } = { proxies, losesReply: false };
    const nodes = proxies.map((proxy, index) => proxy.url(this.#servers[index]?.url ?? ""));
    // The reply that is lost is that of the write itself: a lost answer to a question before it is no doubt.
    const onSend = ({ kind }: { readonly kind: string }): void => {
      if (kind !== "accept" || life.losesReply !== true) return;
      life.losesReply = false;
      for (const proxy of proxies) void proxy.loseReply();
    };
    life.journal = await openWatched({ ...this.#settings, nodes }, { onSend });
    this.#lives.set(node, life as Life);
    return life.journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { journal, proxies } of this.#lives.values()) {
      await journal[Symbol.asyncDispose]();
      await Promise.all(proxies.map((proxy) => proxy.close()));
    }
    await Promise.all(this.#dead);
  }

  /** Nothing that it does from now on reaches any node; what is left of it ends by itself. */
  async #crash(node: number): Promise<void> {
    const { journal, proxies } = this.#life(node);
    this.#lives.delete(node);
    await Promise.all(proxies.map((proxy) => proxy.close()));
    this.#dead.push(Promise.resolve(journal[Symbol.asyncDispose]()));
    await this.#onCrash?.(this.#servers);
  }

  #flow(node: number, flows: Parameters<FaultProxy["set"]>[0]): Release {
    const { proxies } = this.#life(node);
    for (const proxy of proxies) proxy.set(flows);
    return () => {
      for (const proxy of proxies) proxy.set({ up: "pass", down: "pass" });
    };
  }

  #life(node: number): Life {
    const life = this.#lives.get(node);
    if (life === undefined) throw new TypeError(`open node ${node} first`);
    return life;
  }
}
