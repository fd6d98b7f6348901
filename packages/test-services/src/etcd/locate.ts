// SPDX-License-Identifier: Apache-2.0
import { type AptServer, fetchFromApt } from "../apt/fetch.ts";
import { describeDocker } from "../docker-probe.ts";
import { findExecutable } from "../find-executable.ts";
import type { ExternalUrl } from "../postgres/locate.ts";
import { type ResolverContext, systemContext } from "../resolver-context.ts";
import { reasonOf, runTool } from "../run-tool.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";

/** An etcd server to run. */
export interface EtcdBinary {
  readonly kind: "binary";
  readonly via: string;
  readonly version: string;
  readonly bin: string;
}

const SOURCE: AptServer = { name: "etcd", packages: ["etcd-server", "etcd"], programs: ["etcd"] };

/**
 * Where etcd comes from, in the order of `test-services.md` 5.1: the URLs of the environment and nothing else,
 * PATH, the cache, the distribution's archive.
 *
 * @throws ServiceUnavailable with everything that was tried
 */
export async function locateEtcd(context: ResolverContext): Promise<EtcdBinary | ExternalUrl> {
  const { settings } = context;
  if (settings.etcdUrls !== undefined) return { kind: "url", via: "TEST_ETCD_URLS", urls: settings.etcdUrls };
  const tried: string[] = [];
  const onPath = findExecutable(["etcd"], settings.path, context.furtherDirectories);
  if (onPath === undefined) {
    tried.push("etcd on PATH: not found");
  } else {
    const result = await runTool(onPath, ["--version"], { timeoutMs: 10_000 });
    const via = `PATH ${onPath}`;
    if (result.code === 0) return { kind: "binary", via, version: result.stdout.split("\n")[0] ?? "", bin: onPath };
    tried.push(`${via}: does not run: ${reasonOf(result)}`);
  }
  try {
    const { bin, version } = await fetchFromApt(SOURCE, context);
    return { kind: "binary", via: "Debian package etcd-server, unpacked into the cache", version, bin };
  } catch (error) {
    tried.push(`Debian package etcd-server: ${(error as Error).message}`);
  }
  tried.push(await describeDocker(settings.path));
  throw new ServiceUnavailable(
    "etcd",
    tried,
    "install etcd (apt-get install etcd-server, brew install etcd), or set TEST_ETCD_URLS",
  );
}

/**
 * Whether tests can have an etcd. etcd alone is optional: where it is missing, one line on stderr says what is
 * left out and why, unless SERVICES_REQUIRE=all asks for every service.
 *
 * @throws ServiceUnavailable when it is missing and required
 */
export async function hasEtcd(context: ResolverContext = systemContext()): Promise<boolean> {
  try {
    await locateEtcd(context);
    return true;
  } catch (error) {
    if (!(error instanceof ServiceUnavailable) || context.settings.requireAll) throw error;
    process.stderr.write(`etcd is not available, so what needs it is left out: ${error.tried.join("; ")}\n`);
    return false;
  }
}
