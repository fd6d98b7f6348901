// SPDX-License-Identifier: Apache-2.0
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { externalServer } from "../external-server.ts";
import { type LaunchOptions, ManagedServer, startOnFreePorts } from "../managed-server.ts";
import { OwnedDirectory } from "../owned-directory.ts";
import type { ProcessSpec } from "../process/server-process.ts";
import { type ResolverContext, systemContext } from "../resolver-context.ts";
import { NotOwned, type Server } from "../server.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";
import { locateRedis, type RedisBinary } from "./locate.ts";

export interface RedisOptions extends LaunchOptions {
  /** More arguments of the server, after ours, so they win: for example `["--appendfsync", "everysec"]`. */
  readonly args?: readonly string[];
  /** No file of the server can grow beyond this: writes fail then, as on a full disk. Default: no limit. */
  readonly fileLimitKb?: number | undefined;
}

/** One independent Redis. What it acknowledges is on disk: append-only file, synced with every write. */
export interface RedisServer extends Server {
  /** Undefined for a server of the environment. */
  readonly dataDirectory: string | undefined;
  /** As {@link Server.restart}; given options replace those of the start. */
  restart(options?: Pick<RedisOptions, "args" | "fileLimitKb">): Promise<void>;
  /** Kills it, deletes its data and starts it again: a node that has forgotten everything. */
  wipe(): Promise<void>;
}

/**
 * Starts one Redis, or takes the first of TEST_REDIS_URLS.
 *
 * @throws ServiceUnavailable when there is none, with everything that was tried
 */
export async function startRedis(options: RedisOptions = {}, context?: ResolverContext): Promise<RedisServer> {
  const [server] = await startRedisNodes(1, () => options, context);
  if (server === undefined) throw new Error("one Redis was asked for and none came");
  return server;
}

/**
 * Starts several Redis servers that know nothing of each other, or takes the first of TEST_REDIS_URLS.
 *
 * @param optionsOf options of each, by its index
 * @throws ServiceUnavailable when there are not as many, with everything that was tried
 */
export async function startRedisNodes(
  count: number,
  optionsOf: (index: number) => RedisOptions = () => ({}),
  context: ResolverContext = systemContext(),
): Promise<readonly RedisServer[]> {
  const located = await locateRedis(context);
  if (located.kind === "url") return await externalRedis(located.urls, count, located.via);
  const starts = Array.from({ length: count }, (_, index) => startOne(located, optionsOf(index)));
  const outcomes = await Promise.allSettled(starts);
  const servers = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return servers;
  await Promise.all(servers.map((server) => server.stop()));
  throw failure.reason;
}

function startOne(binary: RedisBinary, options: RedisOptions): Promise<RedisServer> {
  return startOnFreePorts(1, async ([port = 0]) => {
    const directory = new OwnedDirectory();
    await mkdir(join(directory.path, "data"));
    return new OwnRedis(port, binary, directory, options);
  });
}

async function externalRedis(urls: readonly string[], count: number, via: string): Promise<RedisServer[]> {
  if (urls.length < count) {
    throw new ServiceUnavailable("Redis", [`${via} names ${urls.length} of ${count} servers`], "add more, or unset it");
  }
  const used = urls.slice(0, count);
  const failures = (await Promise.all(used.map(ping))).flatMap((failure) => failure ?? []);
  if (failures.length > 0) {
    throw new ServiceUnavailable(
      "Redis",
      failures.map((failure) => `${via}: ${failure}`),
      "start these servers, or unset it",
    );
  }
  return used.map((url) => ({
    ...externalServer(url, via, 6379),
    dataDirectory: undefined,
    wipe: () => Promise.reject(new NotOwned("wipe", via)),
  }));
}

/** Why a server does not answer; undefined when it does. */
async function ping(url: string): Promise<string | undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3_000,
    commandTimeout: 3_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let reason: string | undefined;
  redis.on("error", (error: Error) => {
    reason ??= error.message;
  });
  try {
    await redis.connect();
    await redis.ping();
    return undefined;
  } catch (error) {
    const { host } = new URL(url);
    return `${host}: ${reason ?? (error as Error).message}`;
  } finally {
    redis.disconnect();
  }
}

class OwnRedis extends ManagedServer implements RedisServer {
  readonly url: string;
  readonly dataDirectory: string;
  protected readonly shutdownSignal = "SIGTERM";
  readonly #binary: RedisBinary;
  readonly #directory: OwnedDirectory;
  readonly #lifeline: RedisOptions["lifeline"];
  #args: readonly string[];
  #fileLimitKb: number | undefined;

  constructor(port: number, binary: RedisBinary, directory: OwnedDirectory, options: RedisOptions) {
    super(port, binary.via);
    this.url = `redis://127.0.0.1:${port}`;
    this.dataDirectory = join(directory.path, "data");
    this.#binary = binary;
    this.#directory = directory;
    this.#lifeline = options.lifeline;
    this.#args = options.args ?? [];
    this.#fileLimitKb = options.fileLimitKb;
  }

  protected spec(): ProcessSpec {
    const limit = this.#fileLimitKb;
    // The shell counts in half kilobytes. Without the trap the signal would end the server before the write fails.
    const shell = `trap "" XFSZ; ulimit -f ${(limit ?? 0) * 2}; exec "$0" "$@"`;
    return {
      command: limit === undefined ? this.#binary.bin : "/bin/sh",
      args: [
        ...(limit === undefined ? [] : ["-c", shell, this.#binary.bin]),
        ...["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.dataDirectory, "--daemonize", "no"],
        ...["--appendonly", "yes", "--appendfsync", "always", "--save", "", ...this.#args],
      ],
      log: this.output,
      env: this.#binary.env,
      cwd: this.dataDirectory,
      ready: /Ready to accept connections/,
      lifeline: this.#lifeline,
    };
  }

  override async restart(options: Pick<RedisOptions, "args" | "fileLimitKb"> = {}): Promise<void> {
    if (options.args !== undefined) this.#args = options.args;
    if ("fileLimitKb" in options) this.#fileLimitKb = options.fileLimitKb;
    await super.restart();
  }

  async wipe(): Promise<void> {
    await this.kill();
    await rm(this.dataDirectory, { recursive: true, force: true });
    await mkdir(this.dataDirectory);
    await super.restart();
  }

  protected discard(): Promise<void> {
    return this.#directory[Symbol.asyncDispose]();
  }
}
