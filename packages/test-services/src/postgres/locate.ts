// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeDocker } from "../docker-probe.ts";
import { findExecutable } from "../find-executable.ts";
import { type Account, isRoot, unprivilegedAccount } from "../process/account.ts";
import type { ResolverContext } from "../resolver-context.ts";
import { reasonOf, runTool } from "../run-tool.ts";
import { ServiceUnavailable } from "../service-unavailable.ts";
import { postgresPackage, prepareNative } from "./npm-binaries.ts";

/** Programs of one Postgres, and whom to run them as. */
export interface PostgresBinaries {
  readonly kind: "binary";
  readonly via: string;
  readonly version: string;
  /** Holds `postgres` and `initdb`. */
  readonly directory: string;
  readonly account: Account | undefined;
}

/** A server of the environment. */
export interface ExternalUrl {
  readonly kind: "url";
  readonly via: string;
  readonly urls: readonly string[];
}

/**
 * Where Postgres comes from, in the order of `test-services.md` 5.1: the URL of the environment and nothing else,
 * the named directory and nothing else, the npm package, PATH and the distribution's directories.
 *
 * @throws ServiceUnavailable with everything that was tried
 */
export async function locatePostgres(context: ResolverContext): Promise<PostgresBinaries | ExternalUrl> {
  const { settings } = context;
  if (settings.postgresUrl !== undefined) {
    return { kind: "url", via: "TEST_POSTGRES_URL", urls: [settings.postgresUrl] };
  }
  const account = isRoot() ? unprivilegedAccount() : undefined;
  if (settings.postgresBin !== undefined) {
    const named = await probe(settings.postgresBin, "SERVICES_PG_BIN", account);
    if (typeof named !== "string") return named;
    throw new ServiceUnavailable("Postgres", [named], "name the directory that holds postgres and initdb, or unset it");
  }
  const tried: string[] = [];
  const packaged = await fromNpm(context, account);
  if (typeof packaged !== "string") return packaged;
  tried.push(packaged);
  const onPath = findExecutable(["postgres"], settings.path, context.furtherDirectories);
  if (onPath === undefined) {
    tried.push("postgres on PATH and in the directories of the distribution: not found");
  } else {
    // What is on PATH may be a link; initdb and the libraries are beside the real one.
    const found = await probe(dirname(realpathSync(onPath)), `PATH ${onPath}`, account);
    if (typeof found !== "string") return found;
    tried.push(found);
  }
  tried.push(await describeDocker(settings.path));
  throw new ServiceUnavailable(
    "Postgres",
    tried,
    "install again without --no-optional, or install a Postgres server, or set TEST_POSTGRES_URL",
  );
}

async function fromNpm(context: ResolverContext, account: Account | undefined): Promise<PostgresBinaries | string> {
  const name = postgresPackage(context);
  if (name === undefined) return `npm: no Postgres package for ${context.platform} on ${context.arch}`;
  try {
    const native = await prepareNative(context.resolvePackage(name), account);
    const note = native.copied === undefined ? "" : ` (copied: ${native.copied})`;
    return { kind: "binary", via: `npm ${name}${note}`, version: native.version, directory: native.directory, account };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `npm ${name}: ${code === "MODULE_NOT_FOUND" ? "not installed" : message}`;
  }
}

async function probe(directory: string, via: string, account: Account | undefined): Promise<PostgresBinaries | string> {
  for (const program of ["initdb", "postgres"]) {
    const result = await runTool(join(directory, program), ["--version"], { account, cwd: "/", timeoutMs: 10_000 });
    if (result.code !== 0) return `${via}: ${join(directory, program)} does not run: ${reasonOf(result)}`;
    if (program === "postgres") return { kind: "binary", via, version: result.stdout.trim(), directory, account };
  }
  return `${via}: nothing to run`;
}
