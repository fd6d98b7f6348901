// SPDX-License-Identifier: Apache-2.0
import { type AptServer, fetchFromApt } from "../apt/fetch.ts";
import { findExecutable } from "../find-executable.ts";
import { type ResolverContext, systemContext } from "../resolver-context.ts";
import { reasonOf, runTool } from "../run-tool.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";

/** A PgBouncer to run. */
export interface PgBouncerBinary {
  readonly kind: "binary";
  readonly via: string;
  readonly version: string;
  readonly bin: string;
  readonly env: Readonly<Record<string, string>>;
}

const SOURCE: AptServer = { name: "pgbouncer", packages: ["pgbouncer"], programs: ["pgbouncer"] };

/**
 * Where PgBouncer comes from: PATH, the cache, the distribution's archive.
 *
 * @throws ServiceUnavailable with everything that was tried
 */
export async function locatePgBouncer(context: ResolverContext): Promise<PgBouncerBinary> {
  const { settings } = context;
  const tried: string[] = [];
  const onPath = findExecutable(["pgbouncer"], settings.path, context.furtherDirectories);
  if (onPath === undefined) {
    tried.push("pgbouncer on PATH: not found");
  } else {
    const result = await runTool(onPath, ["--version"], { timeoutMs: 10_000 });
    const via = `PATH ${onPath}`;
    const version = result.stdout.split("\n")[0] ?? "";
    if (result.code === 0) return { kind: "binary", via, version, bin: onPath, env: {} };
    tried.push(`${via}: does not run: ${reasonOf(result)}`);
  }
  try {
    const fetched = await fetchFromApt(SOURCE, context);
    return { kind: "binary", via: "Debian package pgbouncer, unpacked into the cache", ...fetched };
  } catch (error) {
    tried.push(`Debian package pgbouncer: ${(error as Error).message}`);
  }
  throw new ServiceUnavailable(
    "PgBouncer",
    tried,
    "install PgBouncer (apt-get install pgbouncer, brew install pgbouncer)",
  );
}

/**
 * Whether tests can have a PgBouncer. It is optional as etcd is: where it is missing, one line on stderr says what is
 * left out and why, unless SERVICES_REQUIRE=all asks for every service.
 *
 * @throws ServiceUnavailable when it is missing and required
 */
export async function hasPgBouncer(context: ResolverContext = systemContext()): Promise<boolean> {
  try {
    await locatePgBouncer(context);
    return true;
  } catch (error) {
    if (!(error instanceof ServiceUnavailable) || context.settings.requireAll) throw error;
    process.stderr.write(`PgBouncer is not available, so what needs it is left out: ${error.tried.join("; ")}\n`);
    return false;
  }
}
