// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { findExecutable } from "../find-executable.ts";
import type { ResolverContext } from "../resolver-context.ts";
import { reasonOf, runTool } from "../run-tool.ts";
import { AptArchive } from "./archive.ts";
import { openCache } from "./cache-directory.ts";
import { lockCache } from "./cache-lock.ts";
import { libraryPackages } from "./library-package.ts";

/** A server in the distribution's archive. */
export interface AptServer {
  /** Names the folder in the cache. */
  readonly name: string;
  /** Packages that hold the server; the first that exists is taken. */
  readonly packages: readonly string[];
  /** Programs in `usr/bin` or `usr/sbin` that are the server; the first that is there is taken. */
  readonly programs: readonly string[];
  /** What it is asked for its version with. @defaultValue `--version` */
  readonly versionArguments?: readonly string[];
  /** The name to run it under, if its behaviour depends on that. */
  readonly runAs?: string;
}

/** An unpacked server and what it needs to run. */
export interface FetchedServer {
  readonly bin: string;
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
}

const LIBRARY_ROUNDS = 6;

/**
 * A server from the cache, or from the distribution's archive into the cache: downloaded and unpacked without
 * root and without installing anything. Several processes may ask at once.
 *
 * @throws Error with one line of reason when this machine has no apt, or no archive can be reached
 */
export async function fetchFromApt(server: AptServer, context: ResolverContext): Promise<FetchedServer> {
  if (context.platform !== "linux") throw new Error("this machine does not use Debian packages");
  const cache = openCache(context.settings.cache);
  const root = join(cache, `${server.name}-${distribution()}-${context.arch}`);
  const cached = await probe(root, server);
  if (cached !== undefined) return cached;
  if (!context.settings.mayUseApt) throw new Error("nothing in the cache, and SERVICES_NO_APT=1 forbids a download");
  for (const tool of ["apt-get", "dpkg-deb", "ldd"]) {
    if (findExecutable([tool], context.settings.path) === undefined) throw new Error(`no ${tool} on PATH`);
  }
  await using _lock = await lockCache(root);
  const byAnother = await probe(root, server);
  if (byAnother !== undefined) return byAnother;
  // Whatever a dead process left half-way goes; only the holder of the lock has such a folder.
  const staging = `.${server.name}-${distribution()}-${context.arch}-`;
  for (const name of readdirSync(cache)) {
    if (name.startsWith(staging)) rmSync(join(cache, name), { recursive: true, force: true });
  }
  const stage = mkdtempSync(join(cache, staging));
  try {
    const tree = await unpackServer(server, stage);
    // The folder comes into being complete, in one step; one that is there by now does not run.
    rmSync(root, { recursive: true, force: true });
    renameSync(tree, root);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  const fetched = await probe(root, server);
  if (fetched === undefined) throw new Error(`${root} was unpacked but its server does not run`);
  return fetched;
}

/** Release and flavour of the distribution: libraries of one do not run on another. */
function distribution(): string {
  const text = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const field = (name: string): string | undefined => new RegExp(`^${name}="?([\\w.]+)`, "m").exec(text)?.[1];
  return `${field("ID") ?? "linux"}-${field("VERSION_CODENAME") ?? field("VERSION_ID") ?? "any"}`;
}

/** Unpacks the server and the libraries that the machine lacks; returns the folder that holds them. */
async function unpackServer(server: AptServer, stage: string): Promise<string> {
  const download = join(stage, "download");
  const tree = join(stage, "tree");
  mkdirSync(download);
  mkdirSync(tree);
  // The lists go with the stage, as soon as the server is there.
  const archive = new AptArchive(join(stage, "apt"));
  const unpack = async (): Promise<void> => {
    for (const file of readdirSync(download)) {
      const result = await runTool("dpkg-deb", ["-x", join(download, file), tree]);
      if (result.code !== 0) throw new Error(`dpkg-deb -x ${file}: ${reasonOf(result)}`);
      rmSync(join(download, file));
    }
  };
  await archive.download(server.packages, download);
  await unpack();
  const program = programIn(tree, server);
  if (program === undefined) throw new Error(`${server.packages[0]} holds none of ${server.programs.join(", ")}`);
  for (let round = 0; round < LIBRARY_ROUNDS; round += 1) {
    const missing = await missingLibraries(program, tree);
    if (missing.length === 0) break;
    for (const soname of missing) {
      const names = libraryPackages(soname);
      if (names.length === 0) throw new Error(`${program} needs ${soname}, whose package cannot be told from its name`);
      await archive.download(names, download);
    }
    await unpack();
  }
  if (server.runAs !== undefined) {
    const alias = join(tree, "usr/bin", server.runAs);
    const target = program.slice(program.lastIndexOf("/") + 1);
    if (!existsSync(alias)) symlinkSync(target, alias);
  }
  chmodSync(tree, 0o755);
  return tree;
}

async function missingLibraries(program: string, tree: string): Promise<string[]> {
  const { stdout } = await runTool("ldd", [program], { env: libraryPath(tree) });
  return [...new Set([...stdout.matchAll(/^\s*(\S+) => not found/gm)].map(([, soname = ""]) => soname))];
}

function programIn(tree: string, { programs }: AptServer): string | undefined {
  const files = programs.flatMap((name) => [join(tree, "usr/bin", name), join(tree, "usr/sbin", name)]);
  return files.find((file) => existsSync(file));
}

function libraryPath(tree: string): Record<string, string> {
  const lib = join(tree, "usr/lib");
  const directories = existsSync(lib) ? readdirSync(lib).filter((name) => name.endsWith("-linux-gnu")) : [];
  if (directories.length === 0) return {};
  return { LD_LIBRARY_PATH: directories.map((name) => join(lib, name)).join(":") };
}

/** The server of a folder in the cache, if it runs. */
async function probe(root: string, server: AptServer): Promise<FetchedServer | undefined> {
  const alias = server.runAs === undefined ? undefined : join(root, "usr/bin", server.runAs);
  const bin = alias !== undefined && existsSync(alias) ? alias : programIn(root, server);
  if (bin === undefined) return undefined;
  const env = libraryPath(root);
  const result = await runTool(bin, server.versionArguments ?? ["--version"], { env, timeoutMs: 10_000 });
  if (result.code !== 0) return undefined;
  return { bin, env, version: result.stdout.trim().split("\n")[0] ?? "" };
}
