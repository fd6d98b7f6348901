// SPDX-License-Identifier: Apache-2.0
import { type AptServer, fetchFromApt } from "../apt/fetch.ts";
import { describeDocker } from "../docker-probe.ts";
import { findExecutable } from "../find-executable.ts";
import type { ExternalUrl } from "../postgres/locate.ts";
import type { ResolverContext } from "../resolver-context.ts";
import { reasonOf, runTool } from "../run-tool.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";

/** A Redis or Valkey server to run. */
export interface RedisBinary {
  readonly kind: "binary";
  readonly via: string;
  readonly version: string;
  readonly bin: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The package of the tools holds the server under the name of its checker; it is the same program, which looks
 * at the name it is run under. The package of the server would only add a daemon.
 */
const SOURCES: readonly AptServer[] = [
  { name: "redis", packages: ["redis-tools"], programs: ["redis-check-rdb"], runAs: "redis-server" },
  { name: "valkey", packages: ["valkey-tools"], programs: ["valkey-check-rdb"], runAs: "valkey-server" },
];

/**
 * Where Redis comes from, in the order of `test-services.md` 5.1: the URLs of the environment and nothing else,
 * the named program and nothing else, PATH, the cache, the distribution's archive.
 *
 * @throws ServiceUnavailable with everything that was tried
 */
export async function locateRedis(context: ResolverContext): Promise<RedisBinary | ExternalUrl> {
  const { settings } = context;
  if (settings.redisUrls !== undefined) return { kind: "url", via: "TEST_REDIS_URLS", urls: settings.redisUrls };
  if (settings.redisBin !== undefined) {
    const named = await probe(settings.redisBin, "SERVICES_REDIS_BIN");
    if (typeof named !== "string") return named;
    throw new ServiceUnavailable("Redis", [named], "name a redis-server or valkey-server, or unset it");
  }
  const tried: string[] = [];
  const onPath = findExecutable(["redis-server", "valkey-server"], settings.path, context.furtherDirectories);
  if (onPath === undefined) {
    tried.push("redis-server and valkey-server on PATH: not found");
  } else {
    const found = await probe(onPath, `PATH ${onPath}`);
    if (typeof found !== "string") return found;
    tried.push(found);
  }
  for (const source of SOURCES) {
    try {
      const fetched = await fetchFromApt(source, context);
      return { kind: "binary", via: `Debian package ${source.packages[0]}, unpacked into the cache`, ...fetched };
    } catch (error) {
      tried.push(`Debian package ${source.packages[0]}: ${(error as Error).message}`);
    }
  }
  tried.push(await describeDocker(settings.path));
  throw new ServiceUnavailable(
    "Redis",
    tried,
    "install a Redis server (apt-get install redis-server, brew install redis), or set TEST_REDIS_URLS",
  );
}

async function probe(bin: string, via: string): Promise<RedisBinary | string> {
  const result = await runTool(bin, ["--version"], { timeoutMs: 10_000 });
  if (result.code !== 0) return `${via}: ${bin} does not run: ${reasonOf(result)}`;
  return { kind: "binary", via, version: result.stdout.trim(), bin, env: {} };
}
